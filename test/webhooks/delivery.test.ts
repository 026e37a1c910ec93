import { describe, expect, it } from 'vitest'
import { statement } from '#src/store/database.ts'
import { readLog } from '../http/suite.ts'
import { backends } from '../support/backends.ts'
import { spawn } from '../support/rest.ts'
import { eventually } from '../support/stage.ts'
import { addEvents, drop, hang, ok, type Received, status, verify } from '../support/webhook-receiver.ts'
import { Deliveries } from './suite.ts'

const prune = statement('test_prune', 'delete from events where project_id = $1 and seq < $2')
const endOld = statement('test_end_old_secret', 'update webhooks set old_secret_until = now() where id = $1')

describe.each(backends)('webhooks are sent, on $name:', (backend) => {
  const on = Deliveries.use(backend)

  it('signed, with the events as every reader has them', async () => {
    await spawn(on().fleet)
    const hook = await on().create()
    await spawn(on().fleet, { name: 'Zoë' })
    await on().reach(hook, ({ cursor }) => cursor === 2)
    const [first] = on().receiver.all as [Received]
    expect(verify(hook.secret, first)).toEqual(first.payload)
    const events = await readLog(on().fleet.rest, on().fleet.project_id, 1)
    expect(first.payload).toEqual({
      type: 'agent.events',
      timestamp: events[0]?.at,
      data: { project_id: on().fleet.project_id, events },
    })
    expect(first.id).toBe(`${hook.id}_1_2_2`)
    expect(first.headers).toMatchObject({ 'content-type': 'application/json' })
    expect(on().receiver.all).toHaveLength(1)
    const now = await on().find(hook)
    expect(now).toMatchObject({ last_status: 204, last_error: null, failures: 0, failing_since: null })
    expect(now.last_success_at).toBe(now.last_attempt_at)
  })

  it('a hundred events at a time, and no more than 256 KiB, but always one', async () => {
    const hook = await on().create()
    await spawn(on().fleet)
    await addEvents(on().app, on().fleet.project_id, 249)
    await spawn(on().fleet, { current_task: 'é'.repeat(32_768) })
    await addEvents(on().app, on().fleet.project_id, 5)
    await on().reach(hook, ({ cursor }) => cursor === 256)
    expect(on().receiver.seqs).toEqual(Array.from({ length: 256 }, (_, index) => index + 1))
    for (const { body, payload } of on().receiver.all) {
      expect(payload.data.events.length).toBeLessThanOrEqual(100)
      expect(body.length).toBeLessThan(257 * 1024)
    }
  })

  it('only those that were asked for, and the cursor passes the others without a request', async () => {
    const hook = await on().create({ events: ['agent.terminated'] })
    const agent = await spawn(on().fleet)
    await addEvents(on().app, on().fleet.project_id, 1_500)
    await on().reach(hook, ({ cursor }) => cursor === 1_501)
    expect(on().receiver.all).toEqual([])
    await on().fleet.rest.delete(`${on().fleet.agents}/${agent.id}`)
    await on().reach(hook, ({ cursor }) => cursor === 1_502)
    expect(on().receiver.events.map(({ name }) => name)).toEqual(['agent.terminated'])
    expect(await on().find(hook)).toMatchObject({ last_status: 204 })
  })

  it('again under the same id with the same body after each failure, also when there is more by then', async () => {
    const answers = [status(500), drop, hang, status(429), ok]
    on().receiver.answer = (response, received) => (answers.shift() ?? ok)(response, received)
    const hook = await on().create()
    await spawn(on().fleet)
    await eventually(async () => on().receiver.all.length > 0)
    await spawn(on().fleet)
    await on().reach(hook, ({ cursor }) => cursor === 2)
    expect(on().receiver.all.map(({ id }) => id)).toEqual([
      ...Array.from({ length: 5 }, () => `${hook.id}_1_1_1`),
      `${hook.id}_1_2_2`,
    ])
    expect(new Set(on().receiver.all.map(({ body }) => body)).size).toBe(2)
    for (const received of on().receiver.all) verify(hook.secret, received)
    expect(await on().find(hook)).toMatchObject({ failures: 0, failing_since: null, last_error: null })
  })

  it('with the number before which the log has been pruned', async () => {
    const hook = await on().create()
    await on().pause(hook)
    await spawn(on().fleet)
    await addEvents(on().app, on().fleet.project_id, 9)
    await on().app.database.run(prune, [on().fleet.project_id, 6])
    await on().patch(hook, { is_active: true })
    await on().reach(hook, ({ cursor }) => cursor === 10)
    expect(on().receiver.all.map(({ payload }) => payload.data.missed_before)).toEqual([6])
    expect(on().receiver.seqs).toEqual([6, 7, 8, 9, 10])
  })

  it('of a log that is pruned whole too, and where the repeated ones are gone', async () => {
    on().receiver.answer = status(500)
    const hook = await on().create()
    await spawn(on().fleet)
    await on().reach(hook, ({ failures }) => failures > 0)
    await on().pause(hook)
    await addEvents(on().app, on().fleet.project_id, 4)
    await on().app.database.run(prune, [on().fleet.project_id, 4])
    on().receiver.answer = ok
    await on().patch(hook, { is_active: true })
    await on().reach(hook, ({ cursor }) => cursor === 5)
    expect(on().receiver.all.at(-1)?.payload.data).toMatchObject({ missed_before: 4 })
    expect(on().receiver.all.at(-1)?.id).toBe(`${hook.id}_1_1_5`)
    await on().pause(hook)
    await addEvents(on().app, on().fleet.project_id, 1)
    await on().app.database.run(prune, [on().fleet.project_id, 100])
    await on().patch(hook, { is_active: true })
    await on().reach(hook, ({ cursor }) => cursor === 6)
    expect(on().receiver.all.at(-1)?.payload.data).toMatchObject({ missed_before: 7, events: [] })
  })

  it('signed by both secrets for a day after a new one was made', async () => {
    const hook = await on().create()
    const rotated = await on().fleet.rest.post<{ secret: string; old_secret_until: string }>(
      `${on().path}/${hook.id}/secret`,
    )
    expect(rotated.status).toBe(200)
    const { secret, old_secret_until } = rotated.body
    expect((Date.parse(old_secret_until) - Date.now()) / 3_600_000).toBeCloseTo(24, 1)
    await spawn(on().fleet)
    await on().reach(hook, ({ cursor }) => cursor === 1)
    const [both] = on().receiver.all as [Received]
    for (const one of [secret, hook.secret]) expect(verify(one, both)).toEqual(both.payload)
    await on().app.database.run(endOld, [hook.id])
    await spawn(on().fleet)
    await on().reach(hook, ({ cursor }) => cursor === 2)
    const last = on().receiver.all.at(-1) as Received
    expect(verify(secret, last)).toEqual(last.payload)
    expect(() => verify(hook.secret, last)).toThrow()
  })
})

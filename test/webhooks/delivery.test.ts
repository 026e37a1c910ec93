import { describe, expect, it } from 'vitest'
import { statement } from '#src/store/database.ts'
import { readLog } from '../http/suite.ts'
import { backends } from '../support/backends.ts'
import { eventually } from '../support/eventually.ts'
import { spawn } from '../support/rest.ts'
import { addEvents, drop, hang, ok, type Received, status, verify } from '../support/webhook-receiver.ts'
import { Deliveries } from './suite.ts'

const prune = statement('test_prune', 'delete from events where project_id = $1 and seq < $2')
const endOld = statement('test_end_old_secret', 'update webhooks set old_secret_until = now() where id = $1')

/** After an agent's first event: one of the project itself, and one as servers before labels wrote them. */
const addFrames = statement(
  'test_add_frames',
  `with first as (select project_id, at, frame::jsonb as frame from events where project_id = $1 and seq = 1), added as (
     insert into events (project_id, seq, at, frame)
     select project_id, 2, at, (frame || '{"seq": 2, "agent": null, "name": "project.hold_placed"}')::json from first
     union all
     select project_id, 3, at, ((frame || '{"seq": 3}') #- '{agent,labels}')::json from first returning 1
   )
   update projects set event_seq = 3 where id = $1 and 2 = (select count(*) from added)`,
)

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

  it('only with the events asked for; the cursor passes the others without a request', async () => {
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

  it('only of agents that match after the event', async () => {
    const agents = `${on().fleet.agents}`
    const hook = await on().create({ selector: 'team=support,!legacy' })
    const support = await spawn(on().fleet, { labels: { team: 'support' } })
    const relabel = (labels: object) => on().fleet.rest.patch(`${agents}/${support.id}`, { labels })
    await spawn(on().fleet, { labels: { team: 'sales' } })
    await spawn(on().fleet)
    await relabel({ legacy: 'yes' })
    await relabel({ tier: 'gold' })
    await relabel({ legacy: null })
    await on().fleet.rest.delete(`${agents}/${support.id}`)
    await on().reach(hook, ({ cursor }) => cursor === 7)
    expect([...new Set(on().receiver.seqs)]).toEqual([1, 6, 7])
  })

  it('of the project itself, and of agents before there were labels, only without a selector', async () => {
    const [any, unlabelled, labelled] = [
      await on().create(),
      await on().create({ selector: '!team' }),
      await on().create({ selector: 'team' }),
    ]
    for (const hook of [any, unlabelled, labelled]) await on().pause(hook)
    await spawn(on().fleet)
    await on().app.database.run(addFrames, [on().fleet.project_id])
    const seqs: number[][] = []
    for (const hook of [any, unlabelled, labelled]) {
      const before = on().receiver.seqs.length
      await on().patch(hook, { is_active: true })
      await on().reach(hook, ({ cursor }) => cursor === 3)
      // On a busy machine an answer may be late, and its request is repeated.
      seqs.push([...new Set(on().receiver.seqs.slice(before))])
    }
    expect(seqs).toEqual([[1, 2, 3], [1, 3], []])
  })

  it('with another id once the selector has changed', async () => {
    on().receiver.answer = status(500)
    const hook = await on().create({ selector: 'team' })
    await spawn(on().fleet, { labels: { team: 'a', tier: 'b' } })
    await eventually(async () => on().receiver.all.length > 0)
    await on().patch(hook, { selector: 'tier', is_active: true })
    // A request that was under way still has the old one.
    await eventually(async () => on().receiver.all.at(-1)?.id === `${hook.id}_1_1_1_r1`)
    on().receiver.answer = ok
    await on().reach(hook, ({ cursor }) => cursor === 1)
    expect(on().receiver.all.at(-1)?.id).toBe(`${hook.id}_1_1_1_r1`)
  })

  it('again with the same id and body after each failure, even if more events have come', async () => {
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

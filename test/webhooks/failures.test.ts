import { describe, expect, it } from 'vitest'
import type { Webhook } from '#src/domain/webhook.ts'
import { statement } from '#src/store/database.ts'
import { readAudit } from '../http/audit.ts'
import { useApp } from '../http/suite.ts'
import { backends } from '../support/backends.ts'
import { eventually } from '../support/eventually.ts'
import { createFleet, spawn } from '../support/rest.ts'
import {
  begin,
  drop,
  hang,
  ok,
  quick,
  status,
  switchProtocols,
  WebhookReceiver,
} from '../support/webhook-receiver.ts'
import { Deliveries } from './suite.ts'

const failedFor = statement(
  'test_webhook_failed_for',
  `update webhooks set failing_since = now() - make_interval(secs => $2), failed_seconds = $2::int where id = $1`,
)
/** As if no server had been there since the last attempt. */
const standStill = statement(
  'test_webhook_stand_still',
  `update webhooks set failing_since = failing_since - make_interval(hours => $2),
     last_attempt_at = last_attempt_at - make_interval(hours => $2),
     next_attempt_at = next_attempt_at - make_interval(hours => $2) where id = $1`,
)
const leaseTo = statement(
  'test_webhook_lease',
  'update webhooks set lease = id, leased_until = now() + make_interval(secs => $2) where id = $1',
)

describe.each(backends)('webhooks whose receivers fail, on $name, are sent', (backend) => {
  const on = Deliveries.use(backend)

  it('and show their last failure', async () => {
    const said = async (answer: typeof ok) => {
      on().receiver.answer = answer
      const hook = await on().create()
      await spawn(on().fleet)
      await on().reach(hook, ({ failures }) => failures > 1)
      const { last_error, last_status, failing_since, is_active } = await on().find(hook)
      expect({ is_active, since: typeof failing_since }).toEqual({ is_active: true, since: 'string' })
      await on().remove(hook)
      return [last_error, last_status]
    }
    expect(await said(status(503))).toEqual(['Answered 503', 503])
    expect(await said(drop)).toEqual(['The connection was broken', null])
    expect(await said(hang)).toEqual(['No answer within 0.4 s', null])
    expect(await said(switchProtocols)).toEqual(['Answered 101', 101])
  })

  it('not to where a redirect leads', async () => {
    const inner = await WebhookReceiver.start()
    on().receiver.answer = status(307, { location: inner.url })
    const hook = await on().create()
    await spawn(on().fleet)
    await on().reach(hook, ({ failures }) => failures > 1)
    expect(await on().find(hook)).toMatchObject({ last_status: 307, last_error: 'Answered 307', cursor: 0 })
    expect(inner.all).toEqual([])
    await inner.close()
  })

  it('also to a receiver whose answer has no end', async () => {
    on().receiver.answer = (response) => {
      response.writeHead(200)
      const chunk = 'x'.repeat(64 * 1024)
      const write = () => response.write(chunk, (error) => error || write())
      write()
    }
    const hook = await on().create()
    await spawn(on().fleet)
    await on().reach(hook, ({ cursor }) => cursor === 1)
    expect(on().receiver.all).toHaveLength(1)
  })

  it('one at a time to a receiver that never ends its answers', async () => {
    on().receiver.answer = begin
    const hook = await on().create()
    const started = performance.now()
    for (let count = 1; count <= 3; count++) {
      await spawn(on().fleet)
      await on().reach(hook, ({ cursor }) => cursor === count)
    }
    // What ends each answer, and its connection, is the deadline, and only then comes the next.
    expect(performance.now() - started).toBeGreaterThan(3 * quick.timeout_ms - 50)
  })

  it('to a new URL at once, even while a request to the old one is running', async () => {
    let refuse = () => {}
    on().receiver.answer = (response, received) => {
      refuse = () => status(410)(response, received)
    }
    const hook = await on().create()
    await spawn(on().fleet)
    await eventually(async () => on().receiver.all.length === 1)
    const moved = await WebhookReceiver.start()
    await on().patch(hook, { url: moved.url })
    refuse()
    await on().reach(hook, ({ cursor }) => cursor === 1)
    await spawn(on().fleet)
    await on().reach(hook, ({ cursor }) => cursor === 2)
    expect(moved.seqs).toEqual([1, 2])
    expect(await on().find(hook)).toMatchObject({ is_active: true, failures: 0, last_error: null })
    await moved.close()
  })

  it('no more after 410 or a day of failures; enabled again, from their cursor', async () => {
    for (const end of ['gone', 'a day'] as const) {
      on().receiver.answer = status(end === 'gone' ? 410 : 500)
      const hook = await on().create()
      const { cursor } = hook
      await spawn(on().fleet)
      if (end === 'a day') {
        await on().reach(hook, ({ failures }) => failures > 0)
        await on().app.database.run(failedFor, [hook.id, 23 * 3_600])
        const { failures: before } = await on().find(hook)
        await on().reach(hook, ({ failures }) => failures > before)
        expect((await on().find(hook)).is_active).toBe(true)
        await on().app.database.run(failedFor, [hook.id, 24 * 3_600])
      }
      await on().reach(hook, ({ is_active }) => !is_active)
      expect((await on().find(hook)).disabled_at).not.toBeNull()
      const trail = await readAudit(on().fleet.rest)
      expect(
        trail.find(({ target_id, action }) => target_id === hook.id && action === 'webhook_disabled'),
      ).toMatchObject({ actor: { kind: 'system', id: null }, project_id: on().fleet.project_id })
      on().receiver.answer = ok
      on().receiver.all.length = 0
      const enabled = await on().patch(hook, { is_active: true })
      expect(enabled).toMatchObject({ failures: 0, failing_since: null, disabled_at: null })
      await on().reach(hook, (now) => now.cursor === cursor + 1)
      expect(on().receiver.seqs).toEqual([cursor + 1])
      await on().remove(hook)
    }
    expect(on().app.webhooks.counts.disabled).toBe(2)
  })

  it('at once when asked, and keep since when and why they fail until a success', async () => {
    on().receiver.answer = status(500)
    const hook = await on().create()
    await spawn(on().fleet)
    await on().reach(hook, ({ failures }) => failures > 0)
    const { failing_since, failures } = await on().find(hook)
    expect(await on().patch(hook, { is_active: true })).toMatchObject({
      failing_since,
      last_error: 'Answered 500',
    })
    await on().reach(hook, (now) => now.failures > failures)
    expect(await on().find(hook)).toMatchObject({ failing_since, last_error: 'Answered 500' })
    on().receiver.answer = ok
    await on().patch(hook, { is_active: true })
    await on().reach(hook, ({ cursor }) => cursor === 1)
    expect(await on().find(hook)).toMatchObject({ failing_since: null, failures: 0, last_error: null })
  })

  it('after a long time without a server, which does not count as failing', async () => {
    on().receiver.answer = status(500)
    const hook = await on().create()
    await spawn(on().fleet)
    await on().reach(hook, ({ failures }) => failures > 0)
    await on().app.database.run(standStill, [hook.id, 60])
    const { failures: before } = await on().find(hook)
    await on().reach(hook, ({ failures }) => failures > before + 1)
    expect((await on().find(hook)).is_active).toBe(true)
    on().receiver.answer = ok
    await on().reach(hook, ({ cursor }) => cursor === 1)
  })

  it('under another id with another filter, and under the same with the same', async () => {
    on().receiver.answer = status(500)
    const hook = await on().create()
    await on().app.database.run(leaseTo, [hook.id, 3_600])
    const { id } = await spawn(on().fleet)
    await on().fleet.rest.post(`${on().fleet.agents}/${id}/pause`)
    await on().app.database.run(leaseTo, [hook.id, -1])
    await on().reach(hook, ({ failures }) => failures > 0)
    await on().patch(hook, { events: null })
    const { failures } = await on().find(hook)
    await on().reach(hook, (now) => now.failures > failures + 1)
    await on().patch(hook, { events: ['agent.status_changed'] })
    // An attempt under way is the old message still, so the answer stays until the new one has come.
    await eventually(async () => on().receiver.all.some(({ id }) => id.endsWith('_r1')))
    on().receiver.answer = ok
    await on().reach(hook, ({ cursor }) => cursor === 2)
    const bodies = new Map<string, Set<string>>()
    for (const { id, payload } of on().receiver.all) {
      const seqs = payload.data.events.map(({ seq }) => seq)
      bodies.set(id, (bodies.get(id) ?? new Set()).add(JSON.stringify(seqs)))
    }
    for (const [id, sets] of bodies) expect([...sets], id).toHaveLength(1)
    expect(Object.fromEntries(bodies)).toEqual({
      [`${hook.id}_1_1_2`]: new Set(['[1,2]']),
      [`${hook.id}_1_1_2_r1`]: new Set(['[2]']),
    })
  })

  it('only by the holder of the lease, until the lease ends', async () => {
    const [held, free] = [await on().create(), await on().create({ events: ['agent.spawned'] })]
    await on().app.database.run(leaseTo, [held.id, 3_600])
    await spawn(on().fleet)
    await on().reach(free, ({ cursor }) => cursor === 1)
    expect(on().receiver.all.map(({ id }) => id)).toEqual([`${free.id}_1_1_1`])
    await on().app.database.run(leaseTo, [held.id, -1])
    await on().reach(held, ({ cursor }) => cursor === 1)
    expect(on().receiver.all.map(({ id }) => id)).toEqual([`${free.id}_1_1_1`, `${held.id}_1_1_1`])
  })

  it('of many projects at once, without waiting for a receiver that hangs', async () => {
    on().receiver.answer = (response, received) =>
      (received.payload.data.project_id === on().fleet.project_id ? hang : ok)(response, received)
    const stuck = await on().create()
    const others = await Promise.all(Array.from({ length: 20 }, () => createFleet(on().fleet.rest)))
    for (const other of others)
      await other.rest.post(`/projects/${other.project_id}/webhooks`, { url: on().receiver.url })
    await Promise.all([on().fleet, ...others].map((one) => spawn(one)))
    const reached = () => new Set(on().receiver.events.map(({ project_id }) => project_id)).size
    await eventually(async () => reached() === 21)
    expect((await on().find(stuck)).cursor).toBe(0)
  })
})

describe.each(backends)('webhooks are not sent, on $name,', (backend) => {
  const running = useApp(backend, {}, quick)

  it('to a name with a forbidden address, and the error reveals no more', async () => {
    const receiver = await WebhookReceiver.start()
    const fleet = await createFleet(running().rest)
    const path = `/projects/${fleet.project_id}/webhooks`
    const ids: string[] = []
    for (const name of ['localhost', 'LocalHost', 'nobody.invalid']) {
      const url = `http://${name}:${receiver.port}/`
      const { status, body } = await fleet.rest.post<Webhook>(path, { url })
      expect(status).toBe(201)
      ids.push(body.id)
    }
    await spawn(fleet)
    const read = async (id: string) => (await fleet.rest.get<Webhook>(`${path}/${id}`)).body
    for (const id of ids) await eventually(async () => (await read(id)).failures > 0)
    const errors = (await Promise.all(ids.map(read))).map(({ last_error }) => last_error)
    const refused = 'The address is not allowed'
    expect(errors).toEqual([refused, refused, 'The name cannot be resolved'])
    expect(receiver.all).toEqual([])
    await receiver.close()
  })
})

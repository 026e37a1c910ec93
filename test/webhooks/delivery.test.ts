import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Webhook } from '#src/domain/webhook.ts'
import { statement } from '#src/store/database.ts'
import { readAudit } from '../http/audit.ts'
import { readLog, useApp } from '../http/suite.ts'
import { backends } from '../support/backends.ts'
import { createFleet, type Fleet, spawn } from '../support/rest.ts'
import { eventually } from '../support/stage.ts'
import {
  addEvents,
  drop,
  hang,
  ok,
  quick,
  type Received,
  status,
  verify,
  WebhookReceiver,
} from '../support/webhook-receiver.ts'

const failedFor = statement(
  'test_webhook_failed_for',
  'update webhooks set failing_since = now() - make_interval(secs => $2) where id = $1',
)
const leaseTo = statement(
  'test_webhook_lease',
  'update webhooks set lease = id, leased_until = now() + make_interval(secs => $2) where id = $1',
)
const prune = statement('test_prune', 'delete from events where project_id = $1 and seq < $2')
const leased = statement(
  'test_webhook_leased',
  'select lease from webhooks where id = $1 and lease is not null',
)
const endOld = statement('test_end_old_secret', 'update webhooks set old_secret_until = now() where id = $1')

describe.each(backends)('webhooks are sent, on $name:', (backend) => {
  const running = useApp(backend, { webhook_networks: ['127.0.0.0/8'] }, quick)
  let fleet: Fleet
  let receiver: WebhookReceiver
  let path: string
  beforeEach(async () => {
    receiver = await WebhookReceiver.start()
    fleet = await createFleet(running().rest)
    path = `/projects/${fleet.project_id}/webhooks`
  })
  afterEach(async () => {
    // Deleted, so that it does not fail on through the tests that follow.
    for (const { id } of (await fleet.rest.get<{ data: Webhook[] }>(path)).body.data)
      await fleet.rest.delete(`${path}/${id}`)
    await receiver.close()
  })

  const create = async (body: object = {}) => {
    const answer = await fleet.rest.post<Webhook & { secret: string }>(path, { url: receiver.url, ...body })
    expect(answer.status).toBe(201)
    return answer.body
  }
  const find = async ({ id }: { id: string }) => (await fleet.rest.get<Webhook>(`${path}/${id}`)).body
  const reach = (hook: { id: string }, isSo: (webhook: Webhook) => boolean) =>
    eventually(async () => isSo(await find(hook)))
  const patch = (hook: { id: string }, body: object) => fleet.rest.patch<Webhook>(`${path}/${hook.id}`, body)

  /** Sends nothing more, and nothing is under way. */
  const rest = async (hook: { id: string }) => {
    await patch(hook, { is_active: false })
    await eventually(async () => (await running().app.database.run(leased, [hook.id])).length === 0)
  }

  it('signed, with the events as every reader has them', async () => {
    await spawn(fleet)
    const hook = await create()
    await spawn(fleet, { name: 'Zoë' })
    await reach(hook, ({ cursor }) => cursor === 2)
    const [first] = receiver.all as [Received]
    expect(verify(hook.secret, first)).toEqual(first.payload)
    const events = await readLog(fleet.rest, fleet.project_id, 1)
    expect(first.payload).toEqual({
      type: 'agent.events',
      timestamp: events[0]?.at,
      data: { project_id: fleet.project_id, events },
    })
    expect(first.id).toBe(`${hook.id}_2_2`)
    expect(first.headers).toMatchObject({ 'content-type': 'application/json' })
    expect(receiver.all).toHaveLength(1)
    const now = await find(hook)
    expect(now).toMatchObject({ last_status: 204, last_error: null, failures: 0, failing_since: null })
    expect(now.last_success_at).toBe(now.last_attempt_at)
  })

  it('a hundred events at a time, and no more than 256 KiB, but always one', async () => {
    const hook = await create()
    await spawn(fleet)
    await addEvents(running().app, fleet.project_id, 249)
    await spawn(fleet, { current_task: 'é'.repeat(32_768) })
    await addEvents(running().app, fleet.project_id, 5)
    await reach(hook, ({ cursor }) => cursor === 256)
    expect(receiver.seqs).toEqual(Array.from({ length: 256 }, (_, index) => index + 1))
    for (const { body, payload } of receiver.all) {
      expect(payload.data.events.length).toBeLessThanOrEqual(100)
      expect(body.length).toBeLessThan(257 * 1024)
    }
  })

  it('only those that were asked for, and the cursor passes the others without a request', async () => {
    const hook = await create({ events: ['agent.terminated'] })
    const agent = await spawn(fleet)
    await addEvents(running().app, fleet.project_id, 1_500)
    await reach(hook, ({ cursor }) => cursor === 1_501)
    expect(receiver.all).toEqual([])
    await fleet.rest.delete(`${fleet.agents}/${agent.id}`)
    await reach(hook, ({ cursor }) => cursor === 1_502)
    expect(receiver.events.map(({ name }) => name)).toEqual(['agent.terminated'])
    expect(await find(hook)).toMatchObject({ last_status: 204 })
  })

  it('again under the same id with the same body after each failure, also when there is more by then', async () => {
    const answers = [status(500), drop, hang, status(429), ok]
    receiver.answer = (response, received) => (answers.shift() ?? ok)(response, received)
    const hook = await create()
    await spawn(fleet)
    await eventually(async () => receiver.all.length > 0)
    await spawn(fleet)
    await reach(hook, ({ cursor }) => cursor === 2)
    expect(receiver.all.map(({ id }) => id)).toEqual([
      ...Array.from({ length: 5 }, () => `${hook.id}_1_1`),
      `${hook.id}_2_2`,
    ])
    expect(new Set(receiver.all.map(({ body }) => body)).size).toBe(2)
    for (const received of receiver.all) verify(hook.secret, received)
    expect(await find(hook)).toMatchObject({ failures: 0, failing_since: null, last_error: null })
  })

  it('with what went wrong last in sight', async () => {
    const said = async (answer: typeof ok) => {
      receiver.answer = answer
      const hook = await create()
      await spawn(fleet)
      await reach(hook, ({ failures }) => failures > 1)
      const { last_error, last_status, failing_since, is_active } = await find(hook)
      expect({ is_active, since: typeof failing_since }).toEqual({ is_active: true, since: 'string' })
      await fleet.rest.delete(`${path}/${hook.id}`)
      return [last_error, last_status]
    }
    expect(await said(status(503))).toEqual(['Answered 503', 503])
    expect(await said(drop)).toEqual(['The connection was broken', null])
    expect(await said(hang)).toEqual(['No answer within 0.4 s', null])
  })

  it('not to where a redirect leads', async () => {
    const inner = await WebhookReceiver.start()
    receiver.answer = status(307, { location: inner.url })
    const hook = await create()
    await spawn(fleet)
    await reach(hook, ({ failures }) => failures > 1)
    expect(await find(hook)).toMatchObject({ last_status: 307, last_error: 'Answered 307', cursor: 0 })
    expect(inner.all).toEqual([])
    await inner.close()
  })

  it('also to a receiver whose answer has no end', async () => {
    receiver.answer = (response) => {
      response.writeHead(200)
      const chunk = 'x'.repeat(64 * 1024)
      const write = () => response.write(chunk, (error) => error || write())
      write()
    }
    const hook = await create()
    await spawn(fleet)
    await reach(hook, ({ cursor }) => cursor === 1)
    expect(receiver.all).toHaveLength(1)
  })

  it('no more after 410, nor after a day of failures; enabled, they go on where they stood', async () => {
    for (const end of ['gone', 'a day'] as const) {
      receiver.answer = status(end === 'gone' ? 410 : 500)
      const hook = await create()
      const { cursor } = hook
      await spawn(fleet)
      if (end === 'a day') {
        await reach(hook, ({ failures }) => failures > 0)
        await running().app.database.run(failedFor, [hook.id, 23 * 3_600])
        const { failures: before } = await find(hook)
        await reach(hook, ({ failures }) => failures > before)
        expect((await find(hook)).is_active).toBe(true)
        await running().app.database.run(failedFor, [hook.id, 24 * 3_600])
      }
      await reach(hook, ({ is_active }) => !is_active)
      expect((await find(hook)).disabled_at).not.toBeNull()
      const trail = await readAudit(running().rest)
      expect(
        trail.find(({ target_id, action }) => target_id === hook.id && action === 'webhook_disabled'),
      ).toMatchObject({ actor: { kind: 'system', id: null }, project_id: fleet.project_id })
      receiver.answer = ok
      receiver.all.length = 0
      const enabled = (await patch(hook, { is_active: true })).body
      expect(enabled).toMatchObject({ failures: 0, failing_since: null, disabled_at: null })
      await reach(hook, (now) => now.cursor === cursor + 1)
      expect(receiver.seqs).toEqual([cursor + 1])
      await fleet.rest.delete(`${path}/${hook.id}`)
    }
    expect(running().app.webhooks.counts.disabled).toBe(2)
  })

  it('with the number before which the log has been pruned', async () => {
    const hook = await create()
    await rest(hook)
    await spawn(fleet)
    await addEvents(running().app, fleet.project_id, 9)
    await running().app.database.run(prune, [fleet.project_id, 6])
    await patch(hook, { is_active: true })
    await reach(hook, ({ cursor }) => cursor === 10)
    expect(receiver.all.map(({ payload }) => payload.data.missed_before)).toEqual([6])
    expect(receiver.seqs).toEqual([6, 7, 8, 9, 10])
  })

  it('of a log that is pruned whole too, and where the repeated ones are gone', async () => {
    receiver.answer = status(500)
    const hook = await create()
    await spawn(fleet)
    await reach(hook, ({ failures }) => failures > 0)
    await rest(hook)
    await addEvents(running().app, fleet.project_id, 4)
    await running().app.database.run(prune, [fleet.project_id, 4])
    receiver.answer = ok
    await patch(hook, { is_active: true })
    await reach(hook, ({ cursor }) => cursor === 5)
    expect(receiver.all.at(-1)?.payload.data).toMatchObject({ missed_before: 4 })
    expect(receiver.all.at(-1)?.id).toBe(`${hook.id}_1_5`)
    await rest(hook)
    await addEvents(running().app, fleet.project_id, 1)
    await running().app.database.run(prune, [fleet.project_id, 100])
    await patch(hook, { is_active: true })
    await reach(hook, ({ cursor }) => cursor === 6)
    expect(receiver.all.at(-1)?.payload.data).toMatchObject({ missed_before: 7, events: [] })
  })

  it('signed by both secrets for a day after a new one was made', async () => {
    const hook = await create()
    const rotated = await fleet.rest.post<{ secret: string; old_secret_until: string }>(
      `${path}/${hook.id}/secret`,
    )
    expect(rotated.status).toBe(200)
    const { secret, old_secret_until } = rotated.body
    expect((Date.parse(old_secret_until) - Date.now()) / 3_600_000).toBeCloseTo(24, 1)
    await spawn(fleet)
    await reach(hook, ({ cursor }) => cursor === 1)
    const [both] = receiver.all as [Received]
    for (const one of [secret, hook.secret]) expect(verify(one, both)).toEqual(both.payload)
    await running().app.database.run(endOld, [hook.id])
    await spawn(fleet)
    await reach(hook, ({ cursor }) => cursor === 2)
    const last = receiver.all.at(-1) as Received
    expect(verify(secret, last)).toEqual(last.payload)
    expect(() => verify(hook.secret, last)).toThrow()
  })

  it('by the holder of the lease alone, until it has run out', async () => {
    const [held, free] = [await create(), await create({ events: ['agent.spawned'] })]
    await running().app.database.run(leaseTo, [held.id, 3_600])
    await spawn(fleet)
    await reach(free, ({ cursor }) => cursor === 1)
    expect(receiver.all.map(({ id }) => id)).toEqual([`${free.id}_1_1`])
    await running().app.database.run(leaseTo, [held.id, -1])
    await reach(held, ({ cursor }) => cursor === 1)
    expect(receiver.all.map(({ id }) => id)).toEqual([`${free.id}_1_1`, `${held.id}_1_1`])
  })

  it('of many projects at once, none waiting for one that hangs', async () => {
    receiver.answer = (response, received) =>
      (received.payload.data.project_id === fleet.project_id ? hang : ok)(response, received)
    const stuck = await create()
    const others = await Promise.all(Array.from({ length: 20 }, () => createFleet(running().rest)))
    for (const other of others)
      await other.rest.post(`/projects/${other.project_id}/webhooks`, { url: receiver.url })
    await Promise.all([fleet, ...others].map((one) => spawn(one)))
    const reached = () => new Set(receiver.events.map(({ project_id }) => project_id)).size
    await eventually(async () => reached() === 21)
    expect((await find(stuck)).cursor).toBe(0)
  })
})

describe.each(backends)('webhooks are not sent, on $name,', (backend) => {
  const running = useApp(backend, {}, quick)

  it('to a name that resolves to an address that is not allowed, which is all that is said of it', async () => {
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

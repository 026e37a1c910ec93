import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Control } from '#src/domain/control.ts'
import type { AgentRequest } from '#src/domain/request.ts'
import type { Signal } from '#src/domain/signal.ts'
import { statement } from '#src/store/database.ts'
import { backends } from '../support/backends.ts'
import { addKey, addToken } from '../support/cast.ts'
import { eventually } from '../support/eventually.ts'
import { type Agent, createFleet, type Fleet, Rest, spawn, unique } from '../support/rest.ts'
import { Stage } from '../support/stage.ts'
import { readLog, refusal, UNKNOWN } from './suite.ts'

type Reported = { status: string; status_rejected?: string; seq: number; control: Control | null }

/** As if the last delivery over HTTP was half a minute ago. */
const age = statement(
  'age_fetches',
  `update signals set fetched_at = fetched_at - interval '31 s' where agent_id = $1 and fetched_at is not null`,
)
const anything = { message: expect.any(String) }

describe.each(backends)('a runtime that speaks HTTP on $name', (backend) => {
  let stage: Stage
  let fleet: Fleet
  let agent: Agent
  let path: string
  /** The runtime of a new agent, with its own token, on one of the servers. */
  let runtime: (server?: number) => Rest
  const operator = () => fleet.rest

  beforeAll(async () => {
    stage = await Stage.start(backend)
    fleet = await createFleet(stage.superuser)
  })
  afterAll(() => stage.stop())

  const begin = async (own: object = {}) => {
    agent = await spawn(fleet, own)
    path = `${fleet.agents}/${agent.id}`
    const token = await addToken(operator(), agent)
    runtime = (server = 0) => Rest.at(stage.origins[server] ?? (stage.origins[0] as string)).as(token)
  }
  const show = async () => (await operator().get<Agent>(path)).body
  const next = (wait = 0, server = 0) => runtime(server).get<Signal>(`${path}/signals/next?wait=${wait}`)
  const acknowledge = (id: string, body: object = { outcome: 'done' }) =>
    runtime().post<{ outcome: string }>(`${path}/signals/${id}/ack`, body)
  const namesOf = async () =>
    (await readLog(operator(), fleet.project_id))
      .filter((event) => event.agent.id === agent.id)
      .map(({ name }) => name)
  const waiting = async (server = 0) => {
    const text = await (await fetch(`${stage.origins[server] ?? stage.origins[0]}/metrics`)).text()
    return Number(/^signalbox_waiting_polls (\d+)$/m.exec(text)?.[1])
  }

  it('reports, once for each key, and learns what it is ordered', async () => {
    await begin({ token_limit: 1_000 })
    const report = { status: 'working', current_task: 'page 1', usage: { tokens_used: 10 } }
    const key = { 'Idempotency-Key': unique('report') }
    const send = () => runtime().call<Reported>('POST', `${path}/reports`, report, key)
    const first = await send()
    expect(first).toMatchObject({ status: 200, body: { status: 'working', control: null } })
    expect((await send()).body).toEqual(first.body)
    expect(await show()).toMatchObject({
      ...{ tokens_used: 10, current_task: 'page 1' },
      seq: first.body.seq,
    })
    expect(Object.keys(first.body)).toEqual(['status', 'seq', 'control'])

    await operator().post(`${path}/pause`, { reason: 'lunch' })
    const rejected = await runtime().post<Reported>(`${path}/reports`, { status: 'idle' })
    expect(rejected).toMatchObject({ status: 200, body: { status: 'paused', control: { reason: 'lunch' } } })
    expect(rejected.body.status_rejected).toBe('Cannot transition from paused to idle')
    // An empty one says that it is alive.
    expect((await runtime().post<Reported>(`${path}/reports`)).body.status).toBe('paused')

    await operator().delete(path)
    const late = await runtime().post<Reported>(`${path}/reports`, { usage: { tokens_used: 5 } })
    expect(late.body).toMatchObject({ status: 'terminated', control: { kind: 'terminate' } })
    expect((await show()).tokens_used).toBe(15)
  })

  it('leaves the numbers of a runtime on a WebSocket alone', async () => {
    await begin()
    const socket = await stage.connect(operator().token)
    await socket.attach(agent.id)
    await socket.report(agent.id, { n: 1, usage: { tokens_used: 1 } })
    await runtime().post(`${path}/reports`, { usage: { tokens_used: 10 } })
    const { duplicate } = await socket.report(agent.id, { n: 2, usage: { tokens_used: 100 } })
    expect(duplicate).toBeUndefined()
    expect(await show()).toMatchObject({ tokens_used: 111, runtime: { connected: true } })
  })

  it('fetches a pause, which is pending until then, and done once acknowledged', async () => {
    await begin()
    expect((await next()).status).toBe(204)
    await operator().post(`${path}/pause`, { reason: 'lunch' })
    expect((await show()).control).toMatchObject({ state: 'pending' })
    const { status, body, headers } = await next()
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(body).toMatchObject({ kind: 'pause', reason: 'lunch', mode: 'checkpoint', attempt: 1 })
    expect(await show()).toMatchObject({ control: { state: 'delivered' }, runtime: { connected: false } })
    expect((await next()).status).toBe(204)
    expect(await acknowledge(body.id)).toMatchObject({ status: 200, body: { outcome: 'done' } })
    expect(await show()).toMatchObject({
      control: { state: 'done' },
      pending_signals: 0,
      runtime: { connected: false, since: null },
    })
    expect((await acknowledge(body.id, { outcome: 'failed', detail: 'too late' })).body.outcome).toBe('done')
    expect(await acknowledge(UNKNOWN)).toEqual(refusal(404, 'SYS_002', anything))
    expect(await acknowledge(body.id, { outcome: 'superseded' })).toMatchObject({ status: 422 })
  })

  it('gets the oldest signal first, and after 30 s again, when an order is overdue', async () => {
    await begin()
    await operator().post(`${path}/signals`, { kind: 'message', payload: { n: 1 } })
    await operator().post(`${path}/pause`)
    const [message, pause] = [(await next()).body, (await next()).body]
    expect([message.kind, pause.kind]).toEqual(['message', 'pause'])
    await stage.app.database.run(age, [agent.id])
    // Nobody fetches it, so the server itself finds it.
    await eventually(async () => (await namesOf()).includes('agent.signal_overdue'))
    expect([(await next()).body, (await next()).body]).toEqual(
      [message, pause].map((signal) => ({ ...signal, attempt: 2 })),
    )
    expect((await next()).status).toBe(204)
    await stage.app.database.run(age, [agent.id])
    await next()
    await next()
    expect((await namesOf()).filter((name) => name === 'agent.signal_overdue')).toHaveLength(1)
    // What it has fetched shows that it is there, so the order may be sent again.
    expect((await operator().post(`${path}/pause`)).status).toBe(200)
    expect((await acknowledge(pause.id)).body.outcome).toBe('superseded')
  })

  it('is woken by an order on any server, and each signal wakes one of several calls', async () => {
    await begin()
    const calls = [0, 1, 1].map((server) => next(2, server))
    await eventually(async () => (await waiting(0)) + (stage.apps.length > 1 ? await waiting(1) : 0) === 3)
    const started = performance.now()
    await operator().post(`${path}/pause`)
    const statuses = (await Promise.all(calls)).map(({ status }) => status)
    expect(statuses.sort()).toEqual([200, 204, 204])
    expect(performance.now() - started).toBeLessThan(4_000)
    // A signal that it fetched and forgot comes again while it waits.
    await stage.app.database.run(age, [agent.id])
    expect((await next(1)).body).toMatchObject({ kind: 'pause', attempt: 2 })
  })

  it('takes no connection of the database while it waits, and ends when its peer leaves', async () => {
    await begin()
    const leaving = new AbortController()
    const url = `${stage.origins[0]}/api/v1${path}/signals/next?wait=25`
    const headers = { authorization: `Bearer ${runtime().token}` }
    const calls = Array.from({ length: 40 }, () => fetch(url, { headers, signal: leaving.signal }))
    await eventually(async () => (await waiting()) === 40)
    expect((await operator().get(path)).status).toBe(200)
    leaving.abort()
    await Promise.allSettled(calls)
    await eventually(async () => (await waiting()) === 0)
  })

  it('loses a long poll with its credentials', async () => {
    await begin()
    const call = next(25)
    await eventually(async () => (await waiting()) === 1)
    const started = performance.now()
    await operator().delete(`${path}/tokens`)
    expect(await call).toEqual(refusal(401, 'AUTH_003', anything))
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  it('shares a signal with a runtime on a WebSocket: the first acknowledgement counts', async () => {
    await begin()
    const socket = await stage.connect(operator().token)
    await socket.attach(agent.id)
    await operator().post(`${path}/pause`)
    const { id } = await socket.signal()
    expect((await next()).body.id).toBe(id)
    expect((await acknowledge(id, { outcome: 'failed', detail: 'busy' })).body.outcome).toBe('failed')
    expect(await socket.acknowledge(agent.id, id)).toMatchObject({ outcome: 'failed' })
    expect((await show()).control).toMatchObject({ state: 'failed' })
  })

  it('asks, and waits for the answer', async () => {
    await begin({ status: 'working' })
    const question = { request_id: 'deploy-42', reason: 'confirmation', message: 'Now?', status: 'waiting' }
    const asked = await runtime().post<AgentRequest>(`${path}/requests`, question)
    expect(asked).toMatchObject({ status: 201, body: { state: 'open', request_id: 'deploy-42' } })
    const { id } = asked.body
    expect((await runtime().post(`${path}/requests`, question)).body).toMatchObject({ id, state: 'open' })
    expect(await show()).toMatchObject({ status: 'waiting', open_requests: 1 })
    const place = `/projects/${fleet.project_id}/requests/${id}`
    const read = (wait: number, server = 0) => runtime(server).get<AgentRequest>(`${place}?wait=${wait}`)
    expect((await read(0)).body.state).toBe('open')
    const started = performance.now()
    expect((await read(1)).body.state).toBe('open')
    expect(performance.now() - started).toBeGreaterThan(900)
    const reading = read(25, 1)
    await eventually(async () => (await waiting(1)) === 1)
    await operator().post(`${place}/answer`, { status: 'resolved', note: 'After the backup' })
    expect((await reading).body).toMatchObject({ state: 'resolved', note: 'After the backup' })
    const { body: signal } = await next()
    expect(signal).toMatchObject({ kind: 'answer', payload: { request_id: 'deploy-42', status: 'resolved' } })
    await acknowledge(signal.id)
    expect((await show()).pending_signals).toBe(0)

    // A request that ends without a signal ends the wait, too.
    const again = { ...question, request_id: 'deploy-43', status: undefined }
    const { body: second } = await runtime().post<AgentRequest>(`${path}/requests`, again)
    const ending = runtime().get<AgentRequest>(`/projects/${fleet.project_id}/requests/${second.id}?wait=25`)
    await eventually(async () => (await waiting()) === 1)
    await operator().delete(path)
    expect((await ending).body).toMatchObject({ state: 'cancelled', cause: 'terminated' })
    const late = await runtime().post(`${path}/requests`, { ...again, request_id: 'late' })
    expect(late).toEqual(refusal(409, 'RT_003', { message: 'Agent is terminated', field: 'agent_id' }))
  })

  it('reaches its own agent alone, and a runtime key those of its project', async () => {
    await begin()
    const { body: asked } = await runtime().post<AgentRequest>(`${path}/requests`, {
      ...{ request_id: 'mine', reason: 'confirmation', message: 'Now?' },
    })
    const mine = `/projects/${fleet.project_id}/requests/${asked.id}`
    const key = await addKey(operator(), { role: 'runtime', project_id: fleet.project_id })
    expect((await key.rest.get(mine)).status).toBe(200)
    expect((await key.rest.get(`${path}/signals/next`)).status).toBe(204)
    const stranger = runtime()
    await begin()
    const forbidden = refusal(403, 'AUTH_004', anything)
    expect(await runtime().get(mine)).toEqual(forbidden)
    expect(await stranger.get(`${path}/signals/next`)).toEqual(forbidden)
    expect(await stranger.post(`${path}/reports`, {})).toEqual(forbidden)
    expect(await stranger.get(`/projects/${fleet.project_id}/requests`)).toEqual(forbidden)
    const unknown = `${fleet.agents}/${UNKNOWN}`
    for (const answer of [
      await key.rest.get(`${unknown}/signals/next?wait=1`),
      await key.rest.post(`${unknown}/reports`, {}),
      await key.rest.post(`${unknown}/signals/${UNKNOWN}/ack`, { outcome: 'done' }),
    ])
      expect(answer).toEqual(refusal(404, 'SYS_002', anything))
    for (const wait of ['26', '-1', '1.5', 'x']) {
      const answer = await key.rest.get(`${path}/signals/next?wait=${wait}`)
      expect(answer).toEqual(refusal(422, 'VAL_001', { ...anything, field: 'wait' }))
    }
    expect(await key.rest.post(`${path}/reports`, { n: 1 })).toEqual(
      refusal(422, 'VAL_001', { ...anything, field: 'n' }),
    )
    // A HEAD takes no signal from the call that would get it.
    await operator().post(`${path}/pause`)
    expect((await key.rest.call('HEAD', `${path}/signals/next`)).status).toBe(204)
    expect((await key.rest.get<Signal>(`${path}/signals/next`)).body.kind).toBe('pause')
  })

  it('is answered at once when its server stops', async () => {
    await begin()
    const call = next(25)
    await eventually(async () => (await waiting()) === 1)
    const started = performance.now()
    await stage.stop()
    expect((await call).status).toBe(204)
    expect(performance.now() - started).toBeLessThan(10_000)
  })
})

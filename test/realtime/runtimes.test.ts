import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { App } from '#src/server/app.ts'
import { backends, sharedBackends, startApp } from '../support/backends.ts'
import { type Agent, createFleet, type Fleet, Rest, spawn } from '../support/rest.ts'
import { RuntimeSocket } from '../support/runtime.ts'
import { Watcher } from '../support/watcher.ts'

type Signals = { data: { id: string; kind: string; outcome: string | null; detail: string | null }[] }

describe.each(backends)('a runtime on $name', ({ config }) => {
  let app: App
  let rest: Rest
  let url: string
  let fleet: Fleet
  let agent: Agent
  let path: string
  const sockets: Watcher[] = []

  beforeAll(async () => {
    app = await startApp(await config())
    const { port } = await app.listen()
    url = `ws://127.0.0.1:${port}/api/v1/ws`
    rest = await Rest.of(app).signIn()
  })
  afterAll(() => app.stop())
  beforeEach(async () => {
    fleet = await createFleet(rest)
    agent = await spawn(fleet)
    path = `${fleet.agents}/${agent.id}`
  })
  afterEach(async () => {
    await Promise.all(sockets.splice(0).map((socket) => socket.close()))
  })

  const open = async <Socket extends Watcher>(socket: Socket): Promise<Socket> => {
    sockets.push(socket)
    await socket.next('hello')
    return socket
  }
  const connect = (token = rest.token) => open(new RuntimeSocket(url, { token }))
  const attach = async () => {
    const runtime = await connect()
    await runtime.attach(agent.id)
    return runtime
  }
  const watch = async () => {
    const watcher = await open(new Watcher(url, { token: rest.token }))
    await watcher.ask({ type: 'subscribe', project_id: fleet.project_id }, 'snapshot')
    return watcher
  }
  const get = async () => (await rest.get<Agent>(path)).body
  const signals = async () => (await rest.get<Signals>(`${path}/signals`)).body.data

  it('that attaches is shown as connected and gets the whole agent with its memory', async () => {
    await rest.patch(path, { short_term_memory: { step: 1 } })
    const watcher = await watch()
    const runtime = await connect()
    const attached = await runtime.ask({ type: 'attach', id: 'a', agent_id: agent.id }, 'attached')
    const now = await get()
    expect(attached).toEqual({
      type: 'attached',
      id: 'a',
      agent_id: agent.id,
      lease: 1,
      agent: now,
      last_report: 0,
      pending_signals: 0,
      open_requests: [],
    })
    expect(now).toMatchObject({ runtime: { connected: true, since: expect.any(String) } })
    expect(await watcher.next('event')).toMatchObject({
      name: 'agent.runtime_connected',
      agent: { id: agent.id },
    })
    const metrics = await rest.get<{ connected_instances: number }>(`${fleet.agents}/metrics`)
    expect(metrics.body.connected_instances).toBe(1)
  })

  it('gets a pause and acknowledges it, and watchers see it requested, delivered and done', async () => {
    const watcher = await watch()
    const runtime = await attach()
    const paused = await rest.post<Agent>(`${path}/pause`, { reason: 'look' })
    expect(paused.body.control).toMatchObject({ kind: 'pause', state: 'pending' })
    const signal = await runtime.signal()
    expect(signal).toEqual({
      id: paused.body.control?.signal_id,
      kind: 'pause',
      payload: null,
      reason: 'look',
      mode: 'checkpoint',
      issued_at: paused.body.control?.requested_at,
      attempt: 1,
    })
    expect(await watcher.next((frame) => frame.name === 'agent.updated')).toMatchObject({
      agent: { control: { state: 'delivered' }, pending_signals: 1 },
    })
    const answer = await runtime.ask(
      { type: 'ack', id: 'k', agent_id: agent.id, signal_id: signal.id, outcome: 'done', detail: 'stopped' },
      'acknowledged',
    )
    expect(answer).toEqual({
      type: 'acknowledged',
      id: 'k',
      agent_id: agent.id,
      signal_id: signal.id,
      outcome: 'done',
    })
    expect(await watcher.next((frame) => frame.name === 'agent.signal_acknowledged')).toMatchObject({
      signal: { id: signal.id, kind: 'pause' },
      agent: { control: { state: 'done', acknowledged_at: expect.any(String) }, pending_signals: 0 },
    })
    expect((await get()).control).toMatchObject({ state: 'done' })
    expect(await signals()).toMatchObject([{ id: signal.id, outcome: 'done', detail: 'stopped' }])
  })

  it('may acknowledge with a failure, and a second acknowledgement changes nothing', async () => {
    const runtime = await attach()
    await rest.post(`${path}/pause`)
    const { id } = await runtime.signal()
    expect(await runtime.acknowledge(agent.id, id, 'failed')).toMatchObject({ outcome: 'failed' })
    const { seq } = await get()
    expect(await runtime.acknowledge(agent.id, id, 'done')).toMatchObject({ outcome: 'failed' })
    expect(await get()).toMatchObject({ seq, status: 'paused', control: { state: 'failed' } })
  })

  it('that was away gets the last of three control signals, and all of ten messages, in order', async () => {
    for (const action of ['pause', 'resume', 'pause']) await rest.post(`${path}/${action}`)
    for (let n = 0; n < 10; n++) {
      const sent = await rest.post<{ kind: string; payload: object }>(`${path}/signals`, {
        kind: 'message',
        payload: { n },
      })
      expect(sent).toMatchObject({ status: 201, body: { kind: 'message', payload: { n }, outcome: null } })
    }
    const runtime = await connect()
    expect(await runtime.attach(agent.id)).toMatchObject({ pending_signals: 11 })
    const got = []
    for (let n = 0; n < 11; n++) got.push(await runtime.signal())
    expect(got.map(({ kind, payload }) => [kind, payload])).toEqual([
      ['pause', null],
      ...Array.from({ length: 10 }, (_, n) => ['message', { n }]),
    ])
    for (const { id } of got) await runtime.acknowledge(agent.id, id)
    expect((await get()).pending_signals).toBe(0)
    expect((await signals()).map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual([
      ...Array.from({ length: 10 }, () => 'message done'),
      'pause done',
      'resume superseded',
      'pause superseded',
    ])
  })

  it('that returns gets unacknowledged signals again, with the same id', async () => {
    const runtime = await attach()
    await rest.post(`${path}/pause`)
    const first = await runtime.signal()
    await runtime.close()
    const back = await connect()
    expect(await back.attach(agent.id)).toMatchObject({ lease: 2 })
    expect(await back.signal()).toMatchObject({ id: first.id, attempt: 2 })
  })

  it('acknowledges a superseded signal without effect, and an unknown one is SYS_002', async () => {
    const runtime = await attach()
    await rest.post(`${path}/pause`)
    const pause = await runtime.signal()
    await rest.post(`${path}/resume`)
    await runtime.signal()
    expect(await runtime.acknowledge(agent.id, pause.id)).toMatchObject({ outcome: 'superseded' })
    expect((await get()).control).toMatchObject({ kind: 'resume', state: 'delivered' })
    const unknown = { type: 'ack', agent_id: agent.id, signal_id: agent.id, outcome: 'done' }
    expect(await runtime.answer(unknown)).toMatchObject({ type: 'error', code: 'SYS_002' })
  })

  it('whose link is replaced may no longer report or acknowledge', async () => {
    const watcher = await watch()
    const old = await attach()
    await rest.post(`${path}/pause`)
    const { id: signal_id } = await old.signal()
    const newer = await attach()
    expect(await old.next('detached')).toEqual({ type: 'detached', agent_id: agent.id, reason: 'replaced' })
    for (const message of [
      { type: 'report', n: 1 },
      { type: 'ack', signal_id, outcome: 'done' },
      { type: 'detach' },
    ]) {
      expect(await old.answer({ ...message, agent_id: agent.id })).toMatchObject({
        type: 'error',
        code: 'RT_002',
      })
    }
    await old.close()
    expect(await newer.report(agent.id, { n: 1 })).toMatchObject({ n: 1 })
    const { last_seq } = (await rest.get<{ last_seq: number }>(`/projects/${fleet.project_id}/events`)).body
    await watcher.next((frame) => frame.type === 'event' && frame.seq === last_seq)
    expect(watcher.events().filter(({ name }) => name === 'agent.runtime_disconnected')).toEqual([])
  })

  it('renews its lease by attaching again on the same socket', async () => {
    const runtime = await attach()
    expect(await runtime.attach(agent.id)).toMatchObject({ lease: 2 })
    expect(await runtime.report(agent.id, { n: 1 })).toMatchObject({ n: 1 })
    expect(runtime.frames.some((frame) => frame.type === 'detached')).toBe(false)
  })

  it('may report and acknowledge only for agents that it has attached', async () => {
    const runtime = await connect()
    const of = (type: string, more = {}) => runtime.answer({ type, agent_id: agent.id, ...more })
    expect(await of('report', { n: 1 })).toMatchObject({ code: 'RT_001' })
    expect(await of('ack', { signal_id: agent.id, outcome: 'done' })).toMatchObject({ code: 'RT_001' })
    expect(await of('detach')).toMatchObject({ code: 'RT_001' })
    const unknown = '00000000-0000-4000-8000-000000000000'
    expect(await runtime.answer({ type: 'attach', agent_id: unknown })).toMatchObject({ code: 'SYS_002' })
  })

  it('that detaches or closes is shown as disconnected at once, and the status stays', async () => {
    const watcher = await watch()
    const runtime = await attach()
    await runtime.report(agent.id, { n: 1, status: 'working' })
    expect(await runtime.ask({ type: 'detach', id: 'd', agent_id: agent.id }, 'detached')).toEqual({
      type: 'detached',
      id: 'd',
      agent_id: agent.id,
      reason: 'requested',
    })
    await watcher.next((frame) => frame.name === 'agent.runtime_disconnected')
    expect(await get()).toMatchObject({ status: 'working', runtime: { connected: false } })
    await runtime.attach(agent.id)
    await runtime.close()
    await watcher.next((frame) => frame.name === 'agent.runtime_disconnected')
  })

  it('gets its terminate again after it returns, and may not attach once it has acknowledged', async () => {
    await rest.delete(path)
    const runtime = await attach()
    const { id, kind } = await runtime.signal()
    expect(kind).toBe('terminate')
    expect(await runtime.report(agent.id, { n: 1, usage: { tokens_used: 7 } })).toMatchObject({
      status: 'terminated',
    })
    expect(await runtime.report(agent.id, { n: 2, status: 'working', current_task: 'x' })).toMatchObject({
      status_rejected: 'Cannot transition from terminated to working',
    })
    await runtime.acknowledge(agent.id, id)
    expect(await get()).toMatchObject({ tokens_used: 7, current_task: null, control: { state: 'done' } })
    expect(await runtime.answer({ type: 'attach', agent_id: agent.id })).toMatchObject({ code: 'RT_003' })
  })

  it('that ends itself gets no terminate', async () => {
    const watcher = await watch()
    const runtime = await attach()
    expect(await runtime.report(agent.id, { n: 1, status: 'terminated' })).toMatchObject({
      status: 'terminated',
    })
    expect(await watcher.next((frame) => frame.name === 'agent.terminated')).toMatchObject({ from: 'idle' })
    expect(await get()).toMatchObject({
      pending_signals: 0,
      control: { kind: 'terminate', state: 'done' },
      terminated_at: expect.any(String),
    })
  })

  it('reports usage and fields, which apply even where the status is not allowed', async () => {
    const runtime = await attach()
    const report = {
      n: 3,
      status: 'working',
      current_task: 'shunt',
      session_id: 's',
      short_term_memory: { a: [1] },
      usage: { tasks_completed: 1, tokens_used: 20, cost_incurred: '0.1' },
    }
    expect(await runtime.report(agent.id, report)).toMatchObject({ n: 3, status: 'working', seq: 3 })
    await rest.post(`${path}/pause`)
    const late = await runtime.report(agent.id, { n: 4, status: 'working', usage: { cost_incurred: 0.2 } })
    expect(late).toMatchObject({
      status: 'paused',
      status_rejected: 'Cannot transition from paused to working',
    })
    expect(await runtime.report(agent.id, { n: 5, status: 'idle' })).toMatchObject({
      status_rejected: 'Cannot transition from paused to idle',
    })
    expect(await get()).toMatchObject({
      status: 'paused',
      current_task: 'shunt',
      session_id: 's',
      short_term_memory: { a: [1] },
      tasks_completed: 1,
      tokens_used: 20,
      cost_incurred: '0.3000',
    })
  })

  it('has each report counted once, on whichever links it is repeated', async () => {
    const runtime = await attach()
    const report = { type: 'report', agent_id: agent.id, n: 7, usage: { tokens_used: 5 } }
    const answers = await Promise.all(Array.from({ length: 5 }, () => runtime.answer(report)))
    expect(answers.filter(({ duplicate }) => duplicate)).toHaveLength(4)
    const again = await attach()
    expect(again.frames.find((frame) => frame.type === 'attached')).toMatchObject({ last_report: 7 })
    expect(await again.report(agent.id, { n: 6, usage: { tokens_used: 5 } })).toMatchObject({
      duplicate: true,
    })
    expect((await get()).tokens_used).toBe(5)
  })

  it('may use the number of a report again that was refused since its sum overflows', async () => {
    const runtime = await attach()
    await runtime.report(agent.id, { n: 1, usage: { cost_incurred: '9999999999.9999', tokens_used: 1 } })
    const over = { type: 'report', agent_id: agent.id, n: 2, usage: { cost_incurred: '0.0001' } }
    expect(await runtime.answer(over)).toMatchObject({ code: 'VAL_001', field: 'usage.cost_incurred' })
    expect(await runtime.report(agent.id, { n: 2 })).not.toHaveProperty('duplicate')
  })

  it('is paused by the report that reaches a limit, and resumes only with a higher limit', async () => {
    await rest.patch(path, { token_limit: 100, status: 'working' })
    const watcher = await watch()
    const runtime = await attach()
    const reported = await runtime.report(agent.id, { n: 1, usage: { tokens_used: 100 } })
    expect(reported).toMatchObject({ status: 'paused' })
    expect(await watcher.next((frame) => frame.name === 'agent.budget_exceeded')).toMatchObject({
      from: 'working',
      to: 'paused',
      signal: { kind: 'pause', reason: 'budget' },
      agent: { tokens_used: 100, control: { requested_by: { kind: 'system', id: null } } },
    })
    expect(await runtime.signal()).toMatchObject({ kind: 'pause', reason: 'budget' })
    expect((await rest.post(`${path}/resume`)).status).toBe(422)
    await rest.patch(path, { token_limit: 200 })
    expect((await rest.post(`${path}/resume`)).status).toBe(200)
    expect(await runtime.signal()).toMatchObject({ kind: 'resume' })
  })

  it('with the token of an agent reaches only that agent', async () => {
    const issued = await rest.post<{ token: string; expires_at: string }>(`${path}/token`)
    expect(issued).toMatchObject({
      status: 201,
      body: { token: expect.stringMatching(/^sba_/), expires_at: expect.any(String) },
    })
    const { token } = issued.body
    const runtime = await connect(token)
    expect(runtime.frames[0]).toMatchObject({ principal: { kind: 'runtime', id: agent.id, role: 'runtime' } })
    await runtime.attach(agent.id)
    await runtime.report(agent.id, { n: 1, status: 'working' })
    const other = await spawn(fleet)
    const denied = [
      { type: 'attach', agent_id: other.id },
      { type: 'attach', agent_id: '00000000-0000-4000-8000-000000000000' },
      { type: 'subscribe', project_id: fleet.project_id },
    ]
    for (const message of denied) expect(await runtime.answer(message)).toMatchObject({ code: 'AUTH_004' })
    const agentRest = rest.as(token)
    expect((await agentRest.get(path)).status).toBe(200)
    const refused = [
      agentRest.get(`${fleet.agents}/${other.id}`),
      agentRest.get(fleet.agents),
      agentRest.get(`${path}/metrics`),
      agentRest.get(`${path}/signals`),
      agentRest.get(`/projects/${fleet.project_id}/events`),
      agentRest.post(`${path}/pause`),
      agentRest.patch(path, { status: 'idle' }),
      agentRest.post(`${path}/token`),
    ]
    expect((await Promise.all(refused)).map(({ status }) => status)).toEqual(refused.map(() => 403))
    const { body } = await rest.get<{ data: { name: string; actor: object }[] }>(
      `/projects/${fleet.project_id}/events`,
    )
    expect(body.data.find(({ name }) => name === 'agent.status_changed')?.actor).toEqual({
      kind: 'runtime',
      id: agent.id,
    })
  })
})

describe.each(sharedBackends)('runtimes on two servers of $name', ({ config }) => {
  let apps: App[]
  let urls: string[]
  let rest: Rest
  beforeAll(async () => {
    const shared = await config()
    apps = [await startApp(shared), await startApp(shared)]
    const ports = await Promise.all(apps.map((app) => app.listen()))
    urls = ports.map(({ port }) => `ws://127.0.0.1:${port}/api/v1/ws`)
    rest = await Rest.of(apps[0] as App).signIn()
  })
  afterAll(() => Promise.all(apps.map((app) => app.stop())))

  it('the newer link wins on either server, and a report counts once on both', async () => {
    const fleet = await createFleet(rest)
    const { id } = await spawn(fleet)
    const [first, second] = urls.map((url) => new RuntimeSocket(url, { token: rest.token })) as [
      RuntimeSocket,
      RuntimeSocket,
    ]
    await first.next('hello')
    await second.next('hello')
    const report = { n: 1, usage: { tokens_used: 3, cost_incurred: '0.0001' } }
    expect(await first.attach(id)).toMatchObject({ lease: 1 })
    await first.report(id, report)
    await rest.post(`${fleet.agents}/${id}/pause`)
    const { id: signal_id } = await first.signal()

    expect(await second.attach(id)).toMatchObject({ lease: 2, last_report: 1 })
    expect(await first.next('detached')).toMatchObject({ agent_id: id, reason: 'replaced' })
    expect(await first.answer({ type: 'report', agent_id: id, ...report })).toMatchObject({ code: 'RT_002' })
    expect(await second.signal()).toMatchObject({ id: signal_id })
    for (let time = 0; time < 4; time++) {
      expect(await second.report(id, report)).toMatchObject({ duplicate: true })
    }
    const { body } = await rest.get<Agent>(`${fleet.agents}/${id}`)
    expect(body).toMatchObject({ tokens_used: 3, cost_incurred: '0.0001', runtime: { connected: true } })
    // The end of a replaced link disconnects no agent.
    await first.close()
    await rest.post(`${fleet.agents}/${id}/resume`)
    expect(await second.signal()).toMatchObject({ kind: 'resume' })
    expect((await rest.get<Agent>(`${fleet.agents}/${id}`)).body.runtime.connected).toBe(true)
    await second.close()
  })
})

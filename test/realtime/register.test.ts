import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readLog } from '../http/suite.ts'
import { backends } from '../support/backends.ts'
import { addKey } from '../support/cast.ts'
import { eventually } from '../support/eventually.ts'
import { type Agent, createFleet, type Fleet, spawn, unique } from '../support/rest.ts'
import type { RuntimeSocket } from '../support/runtime.ts'
import { Stage } from '../support/stage.ts'
import type { Frame } from '../support/watcher.ts'

describe.each(backends)('a runtime that registers on $name', (backend) => {
  let stage: Stage
  let fleet: Fleet
  let key: { id: string; key: string }
  let external_id: string
  let seq: number
  beforeAll(async () => {
    stage = await Stage.start(backend)
    fleet = await createFleet(stage.superuser)
    key = await addKey(fleet.rest, { role: 'runtime', project_id: fleet.project_id })
  })
  afterAll(() => stage.stop())
  beforeEach(async () => {
    external_id = unique('job')
    seq = await lastSeq()
  })

  const connect = (server = 0) => stage.connect(key.key, server)
  const lastSeq = async () =>
    (await fleet.rest.get<{ last_seq: number }>(`/projects/${fleet.project_id}/events`)).body.last_seq
  const events = () => readLog(fleet.rest, fleet.project_id, seq)
  const named = (own: object = {}) => ({ external_id, name: 'Ada', agent_type: fleet.agent_type_id, ...own })
  const get = async ({ agent_id }: Frame) => (await fleet.rest.get<Agent>(`${fleet.agents}/${agent_id}`)).body
  const act = ({ agent_id }: Frame, action: string) =>
    fleet.rest.post(`${fleet.agents}/${agent_id}/${action}`)
  const close = async (runtime: RuntimeSocket, agent: Frame) => {
    await runtime.close()
    await eventually(async () => !(await get(agent)).runtime.connected)
  }

  it('for the first time spawns its agent and is attached, in one commit', async () => {
    const runtime = await connect()
    const answer = await runtime.register(
      named({
        name: ' Ada ',
        labels: { team: 'news' },
        token_limit: 500,
        cost_limit: '2.5',
        capabilities: ['interrupt', 'requests'],
        client: 'test/1',
      }),
    )
    const agent = await get(answer)
    expect(answer).toEqual({
      type: 'attached',
      id: expect.any(String),
      agent_id: agent.id,
      lease: 1,
      agent,
      last_report: 0,
      pending_signals: 0,
      open_requests: [],
      registered: 'created',
    })
    expect(agent).toMatchObject({
      name: 'Ada',
      status: 'idle',
      agent_type_id: fleet.agent_type_id,
      project_id: fleet.project_id,
      external_id,
      labels: { team: 'news' },
      parent_id: null,
      token_limit: 500,
      cost_limit: '2.5000',
      runtime: { connected: true, capabilities: ['interrupt', 'requests'], client: 'test/1' },
      seq: seq + 2,
    })
    const log = await events()
    const actor = { kind: 'api_key', id: key.id }
    expect(log).toMatchObject([
      { name: 'agent.spawned', actor, agent: { external_id, runtime: { connected: false } } },
      { name: 'agent.runtime_connected', actor, agent: { id: agent.id, runtime: { connected: true } } },
    ])
    expect(log[0]?.at).toBe(log[1]?.at)
    expect(await runtime.report(agent.id, { n: 1, status: 'working' })).toMatchObject({ status: 'working' })
    await fleet.rest.post(`${fleet.agents}/${agent.id}/pause`)
    expect(await runtime.signal()).toMatchObject({ kind: 'pause' })
  })

  it('names its type by slug or id, in either case of the id, and its project where the key has none', async () => {
    const runtime = await stage.connect(stage.superuser.token)
    const { body: type } = await stage.superuser.get<{ slug: string }>(`/agent-types/${fleet.agent_type_id}`)
    for (const agent_type of [type.slug, fleet.agent_type_id.toUpperCase()]) {
      const { project_id } = fleet
      const answer = await runtime.register(named({ agent_type, external_id: unique('job'), project_id }))
      expect(answer).toMatchObject({ registered: 'created', agent: { agent_type_slug: type.slug } })
    }
  })

  it('takes the id for meant where another type has it for its slug', async () => {
    const types = '/agent-types'
    const { body: misleading } = await stage.superuser.post<{ id: string }>(types, {
      name: 'Odd',
      slug: fleet.agent_type_id,
    })
    const runtime = await connect()
    const { agent } = (await runtime.register(named())) as unknown as { agent: Agent }
    expect(agent.agent_type_id).toBe(fleet.agent_type_id)
    await stage.superuser.patch(`${types}/${misleading.id}`, { slug: unique('odd') })
    const slug = '00000000-0000-4000-8000-000000000000'
    const { body: type } = await stage.superuser.post<{ id: string }>(types, { name: 'Zero', slug })
    const answer = await runtime.register(named({ external_id: unique('job'), agent_type: slug }))
    expect(answer).toMatchObject({ agent: { agent_type_id: type.id } })
    await stage.superuser.patch(`${types}/${type.id}`, { slug: unique('zero') })
  })

  it('again finds its agent, whose labels are merged and nothing else is changed', async () => {
    const first = await connect()
    const labels = { team: 'news', zone: 'a' }
    const created = await first.register(named({ labels, capabilities: ['interrupt'], client: 'test/1' }))
    await first.report(created.agent_id as string, {
      n: 1,
      status: 'working',
      short_term_memory: { step: 1 },
    })
    await close(first, created)
    seq = await lastSeq()
    const before = await get(created)

    const second = await connect(stage.apps.length - 1)
    const other = { name: 'Eve', agent_type: 'no-such-type', token_limit: 1, parent_id: created.agent_id }
    const found = await second.register(named({ ...other, labels: { zone: 'b', a: 'x' } }))
    const after = await get(created)
    expect(after).toEqual({
      ...before,
      labels: { team: 'news', zone: 'b', a: 'x' },
      runtime: { connected: true, since: after.updated_at, capabilities: [], client: null },
      updated_at: after.updated_at,
      seq: seq + 1,
    })
    expect(found).toMatchObject({ registered: 'found', lease: 2, last_report: 1, agent: after })
    const { short_term_memory: _, ...summary } = after
    const log = await events()
    expect(log).toMatchObject([{ name: 'agent.runtime_connected', agent: summary }])
    // Byte by byte: the event has the labels in the order in which the database keeps them.
    expect(JSON.stringify(log[0]?.agent.labels)).toBe(JSON.stringify(after.labels))
  })

  it('comes back under its name after it was killed, and the signals that it missed are waiting', async () => {
    const first = await connect()
    const created = await first.register(named())
    first.socket.terminate()
    await eventually(async () => !(await get(created)).runtime.connected)
    await act(created, 'pause')
    const second = await connect()
    expect(await second.register(named())).toMatchObject({
      agent_id: created.agent_id,
      registered: 'found',
      pending_signals: 1,
      agent: { status: 'paused' },
    })
    expect(await second.signal()).toMatchObject({ kind: 'pause', attempt: 1 })
  })

  it('does not come back once an operator has terminated it, until the name is released', async () => {
    const runtime = await connect()
    const created = await runtime.register(named())
    await fleet.rest.delete(`${fleet.agents}/${created.agent_id}`)
    const { id } = await runtime.signal()
    const refused = {
      type: 'error',
      code: 'RT_003',
      message: 'Agent was terminated by an operator',
    }
    // Neither while it has yet to obey, nor afterwards.
    expect(await (await connect()).register(named())).toMatchObject(refused)
    await runtime.acknowledge(created.agent_id as string, id)
    expect(await runtime.register(named())).toMatchObject(refused)

    await fleet.rest.patch(`${fleet.agents}/${created.agent_id}`, { external_id: null })
    const again = await runtime.register(named())
    expect(again).toMatchObject({ registered: 'created', lease: 1 })
    expect(again.agent_id).not.toBe(created.agent_id)
  })

  it('does not come back once a PATCH or a bulk action has terminated it', async () => {
    const runtime = await connect()
    const created = await runtime.register(named())
    await fleet.rest.patch(`${fleet.agents}/${created.agent_id}`, { status: 'terminated' })
    expect(await runtime.register(named())).toMatchObject({ code: 'RT_003' })
    external_id = unique('job')
    const other = await runtime.register(named())
    await fleet.rest.post(`${fleet.agents}/actions`, { action: 'terminate', ids: [other.agent_id] })
    expect(await runtime.register(named())).toMatchObject({ code: 'RT_003' })
  })

  it('after its own end gets a new agent, to which the name passes with an event', async () => {
    const runtime = await connect()
    const ended = await runtime.register(named())
    await runtime.report(ended.agent_id as string, { n: 1, status: 'terminated' })
    seq = await lastSeq()
    const next = await runtime.register(named())
    expect(next).toMatchObject({ registered: 'created', lease: 1, agent: { external_id } })
    expect(await events()).toMatchObject([
      { name: 'agent.updated', agent: { id: ended.agent_id, external_id: null, status: 'terminated' } },
      { name: 'agent.spawned', agent: { id: next.agent_id, external_id } },
      { name: 'agent.runtime_connected', agent: { id: next.agent_id } },
    ])
    expect((await get(ended)).external_id).toBe(null)
  })

  it('replaces the link that another runtime has, on whichever server', async () => {
    const [first, second] = [await connect(), await connect(stage.apps.length - 1)]
    const { agent_id } = await first.register(named())
    expect(await second.register(named())).toMatchObject({ agent_id, lease: 2 })
    expect(await first.next('detached')).toEqual({ type: 'detached', agent_id, reason: 'replaced' })
    expect(await first.answer({ type: 'report', agent_id, n: 1 })).toMatchObject({ code: 'RT_002' })
    expect(await second.report(agent_id as string, { n: 1 })).toMatchObject({ n: 1 })
  })

  it('50 at once with one name, over all servers, are one agent with 50 links, of which the newest stays', async () => {
    const sockets = await Promise.all(Array.from({ length: 10 }, (_, n) => connect(n % stage.apps.length)))
    const five = Array.from({ length: 5 }, () => ({ type: 'register', ...named() }))
    const bySocket = await Promise.all(sockets.map((socket) => socket.answers(five)))
    const answers = bySocket.flat()
    expect(answers.map(({ type }) => type)).toEqual(answers.map(() => 'attached'))
    const agent_id = answers[0]?.agent_id as string
    expect(new Set(answers.map((answer) => answer.agent_id))).toEqual(new Set([agent_id]))
    expect(answers.filter(({ registered }) => registered === 'created')).toHaveLength(1)
    const leases = answers.map(({ lease }) => lease as number).sort((a, b) => a - b)
    expect(leases).toEqual(Array.from({ length: 50 }, (_, n) => n + 1))
    expect((await events()).map(({ name }) => name)).toEqual([
      'agent.spawned',
      ...Array(50).fill('agent.runtime_connected'),
    ])
    const newest = bySocket.findIndex((own) => own.some(({ lease }) => lease === 50))
    const losers = sockets.filter((_, n) => n !== newest)
    for (const socket of losers) {
      await socket.until(() => socket.frames.some(({ type }) => type === 'detached'), 10_000)
    }
    expect(await (sockets[newest] as RuntimeSocket).report(agent_id, { n: 1 })).toMatchObject({ n: 1 })
    for (const socket of losers) {
      expect(await socket.answer({ type: 'report', agent_id, n: 2 })).toMatchObject({ code: 'RT_002' })
    }
  })

  it('again on its own socket renews its lease, and reports sent right after it count', async () => {
    const runtime = await connect()
    const { agent_id } = await runtime.register(named())
    const register = { type: 'register', ...named() }
    const answers = await runtime.answers([
      register,
      { type: 'report', agent_id, n: 1 },
      register,
      { type: 'report', agent_id, n: 2 },
      { type: 'detach', agent_id },
    ])
    expect(answers).toMatchObject([
      { registered: 'found', lease: 2 },
      { type: 'reported', n: 1 },
      { registered: 'found', lease: 3 },
      { type: 'reported', n: 2 },
      { type: 'detached', reason: 'requested' },
    ])
  })

  it('finds the agent that a PATCH has given the name meanwhile', async () => {
    const runtime = await connect()
    const first = await runtime.register(named())
    const other = await spawn(fleet)
    await fleet.rest.patch(`${fleet.agents}/${first.agent_id}`, { external_id: null })
    await fleet.rest.patch(`${fleet.agents}/${other.id}`, { external_id })
    expect(await runtime.register(named())).toMatchObject({ agent_id: other.id, registered: 'found' })
    expect(await runtime.report(first.agent_id as string, { n: 1 })).toMatchObject({ n: 1 })
  })

  it('is shown as disconnected once its socket is closed', async () => {
    const runtime = await connect()
    const created = await runtime.register(named())
    await close(runtime, created)
    expect((await events()).map(({ name }) => name)).toEqual([
      'agent.spawned',
      'agent.runtime_connected',
      'agent.runtime_disconnected',
    ])
  })
})

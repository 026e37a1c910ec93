import { beforeEach, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { type Agent, createFleet, type Fleet, spawn } from '../support/rest.ts'
import { readLog, UNKNOWN, useApp } from './suite.ts'

type Bulk = {
  success: boolean
  message: string
  affected_count: number
  skipped: { id: string; message: string }[]
}

const cannot = (from: string, to: string) => `Cannot transition from ${from} to ${to}`
const ids = (agents: readonly { id: string }[]) => agents.map(({ id }) => id)

describe.each(backends)('actions on many agents on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  beforeEach(async () => {
    fleet = await createFleet(running().rest)
  })

  const act = (body: object, rest = fleet.rest) => rest.post<Bulk>(`${fleet.agents}/actions`, body)
  const get = async ({ id }: { id: string }) => (await fleet.rest.get<Agent>(`${fleet.agents}/${id}`)).body
  const statuses = async (agents: readonly Agent[]) =>
    (await Promise.all(agents.map(get))).map(({ status }) => status)
  const paused = async (own: object = {}) => {
    const { id } = await spawn(fleet, own)
    return (await fleet.rest.post<Agent>(`${fleet.agents}/${id}/pause`)).body
  }
  const terminated = async () => {
    const agent = await spawn(fleet)
    await fleet.rest.delete(`${fleet.agents}/${agent.id}`)
    return agent
  }

  it('reach only the named agents', async () => {
    const [one, two, other] = [
      await spawn(fleet),
      await spawn(fleet, { status: 'working' }),
      await spawn(fleet),
    ]
    const { status, body } = await act({ action: 'pause', ids: ids([one, two]) })
    expect(status).toBe(200)
    expect(body).toEqual({
      success: true,
      message: expect.stringContaining('2'),
      affected_count: 2,
      skipped: [],
    })
    expect(await statuses([one, two, other])).toEqual(['paused', 'paused', 'idle'])
  })

  it('on all reach every agent of the project that is not terminated', async () => {
    const elsewhere = await spawn(await createFleet(fleet.rest))
    const ended = await terminated()
    const agents = [await spawn(fleet), await spawn(fleet, { status: 'waiting' }), await paused()]
    expect((await act({ action: 'terminate', all: true })).body).toMatchObject({
      affected_count: 3,
      skipped: [],
    })
    expect(await statuses([...agents, ended])).toEqual(agents.map(() => 'terminated').concat('terminated'))
    const { body } = await fleet.rest.get<Agent>(`/projects/${elsewhere.project_id}/agents/${elsewhere.id}`)
    expect(body).toEqual(elsewhere)
    const again = { affected_count: 0, skipped: [] }
    expect((await act({ action: 'terminate', all: true })).body).toMatchObject(again)
    expect((await act({ action: 'pause', all: true })).body).toMatchObject(again)
  })

  it('on all of a status leave the others alone, unnamed', async () => {
    const agents = [await spawn(fleet), await spawn(fleet, { status: 'working' }), await paused()]
    expect((await act({ action: 'pause', all: true, status: 'working' })).body).toMatchObject({
      affected_count: 1,
      skipped: [],
    })
    expect(await statuses(agents)).toEqual(['idle', 'paused', 'paused'])
    const ended = await terminated()
    const body = { action: 'resume', all: true, status: 'terminated' }
    expect((await act(body)).body).toMatchObject({ affected_count: 0, skipped: [] })
    expect(await statuses([ended])).toEqual(['terminated'])
  })

  it('on named agents of a status skip agents in another one by name', async () => {
    const [idle, working] = [await spawn(fleet), await spawn(fleet, { status: 'working' })]
    const { body } = await act({ action: 'pause', ids: ids([idle, working]), status: 'working' })
    expect(body).toMatchObject({
      affected_count: 1,
      skipped: [{ id: idle.id, message: expect.stringContaining('idle') }],
    })
    expect(await statuses([idle, working])).toEqual(['idle', 'paused'])
  })

  it('skip agents that cannot take it, each with the reason that it would get alone', async () => {
    const [live, still, ended] = [await spawn(fleet), await paused(), await terminated()]
    const named = ids([still, ended, live])
    const skipped = (...messages: string[]) =>
      messages.map((message, index) => ({ id: named[index], message }))
    expect((await act({ action: 'pause', ids: named })).body).toMatchObject({
      affected_count: 1,
      skipped: skipped(cannot('paused', 'paused'), cannot('terminated', 'paused')),
    })
    expect((await act({ action: 'terminate', ids: named.slice(0, 2) })).body).toMatchObject({
      affected_count: 1,
      skipped: [{ id: ended.id, message: 'Agent is already terminated' }],
    })
    expect((await act({ action: 'resume', ids: named })).body).toMatchObject({
      affected_count: 1,
      skipped: skipped(cannot('terminated', 'idle'), cannot('terminated', 'idle')),
    })
  })

  it('skip unknown agents and agents of other projects with the same message', async () => {
    const other = await createFleet(fleet.rest)
    const elsewhere = await spawn(other)
    const agent = await spawn(fleet)
    const { status, body } = await act({ action: 'terminate', ids: [UNKNOWN, elsewhere.id, agent.id] })
    const missing = (id: string) => ({ id, message: `Agent ${id} not found in project ${fleet.project_id}` })
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { affected_count: 1, skipped: [missing(UNKNOWN), missing(elsewhere.id)] },
    })
    expect((await fleet.rest.get<Agent>(`${other.agents}/${elsewhere.id}`)).body).toEqual(elsewhere)
    expect(await readLog(fleet.rest, other.project_id)).toHaveLength(1)
  })

  it('never resume an agent that is over its budget', async () => {
    const [tokens, money, sound] = [await spawn(fleet), await spawn(fleet), await paused()]
    const over = { token_limit: 5, tokens_used: 5 }
    await fleet.rest.patch(`${fleet.agents}/${tokens.id}`, over)
    await fleet.rest.patch(`${fleet.agents}/${money.id}`, { cost_limit: '1', cost_incurred: '1.5' })
    const { body } = await act({ action: 'resume', ids: ids([tokens, money, sound]) })
    expect(body).toMatchObject({
      affected_count: 1,
      skipped: [
        { id: tokens.id, message: 'Agent is over its token limit' },
        { id: money.id, message: 'Agent is over its cost limit' },
      ],
    })
    expect(await statuses([tokens, money, sound])).toEqual(['paused', 'paused', 'idle'])
  })

  it('count an agent that is named twice, in any case, once', async () => {
    const [agent, still] = [await spawn(fleet), await paused()]
    const named = [agent.id, agent.id.toUpperCase(), still.id, still.id, UNKNOWN, UNKNOWN, agent.id]
    const { body } = await act({ action: 'pause', ids: named })
    expect(body.affected_count).toBe(1)
    expect(body.skipped.map(({ id }) => id)).toEqual([still.id, UNKNOWN])
    expect((await readLog(fleet.rest, fleet.project_id, still.seq)).map(({ agent }) => agent.id)).toEqual([
      agent.id,
    ])
  })

  it('make one event of each affected agent, by who asked, without a gap, and set its control', async () => {
    const me = (await fleet.rest.get<{ id: string }>('/users/me')).body
    const agents = [await spawn(fleet), await spawn(fleet, { status: 'working' }), await spawn(fleet)]
    const still = await paused()
    await act({ action: 'pause', all: true, reason: 'storm', resume_after: 600 })
    const log = await readLog(fleet.rest, fleet.project_id, still.seq)
    expect(log.map(({ seq }) => seq)).toEqual([1, 2, 3].map((n) => still.seq + n))
    expect(ids(log.map(({ agent }) => agent)).sort()).toEqual(ids(agents).sort())
    for (const event of log) {
      const { short_term_memory: _, ...agent } = await get(event.agent)
      const before = agents.find(({ id }) => id === agent.id)
      expect(event).toMatchObject({
        name: 'agent.status_changed',
        actor: { kind: 'user', id: me.id },
        from: before?.status,
        to: 'paused',
        agent,
        signal: { id: agent.control?.signal_id, kind: 'pause', reason: 'storm' },
      })
      expect(agent).toMatchObject({ status: 'paused', pending_signals: 1, seq: event.seq })
      expect(agent.control).toEqual({
        signal_id: expect.any(String),
        kind: 'pause',
        state: 'pending',
        reason: 'storm',
        requested_by: { kind: 'user', id: me.id },
        requested_at: event.at,
        acknowledged_at: null,
        resume_at: new Date(Date.parse(event.at) + 600_000).toISOString(),
        mode: 'checkpoint',
        cause: { kind: 'order', id: null },
      })
    }
    expect(new Set(log.map(({ signal }) => signal?.id)).size).toBe(3)
    expect(await get(still)).toEqual(still)
  })

  it('terminate as one terminates alone: the session and the task are cleared', async () => {
    const agent = await spawn(fleet, { session_id: 's', current_task: 't' })
    await act({ action: 'terminate', ids: [agent.id], reason: 'over' })
    const after = await get(agent)
    expect(after).toMatchObject({
      status: 'terminated',
      terminated_at: after.updated_at,
      session_id: null,
      current_task: null,
      control: { kind: 'terminate', state: 'pending', reason: 'over', resume_at: null },
    })
    const [event] = await readLog(fleet.rest, fleet.project_id, agent.seq)
    expect(event).toMatchObject({ name: 'agent.terminated', from: 'idle', to: 'terminated' })
  })
})

import { beforeAll, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { type Agent, createFleet, type Fleet, spawn } from '../support/rest.ts'
import { invalid, readLog, refusal, useApp, wrongValues } from './suite.ts'

describe.each(backends)('updating an agent on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await createFleet(running().rest)
  })

  const patch = (agent: Agent, body: object) => fleet.rest.patch<Agent>(`${fleet.agents}/${agent.id}`, body)
  const eventsAfter = (agent: Agent) => readLog(fleet.rest, fleet.project_id, agent.seq)
  const onStatus = (message: string) => refusal(422, 'VAL_001', { message, field: 'status' })

  it('sets absolute values in one event', async () => {
    const agent = await spawn(fleet, { short_term_memory: { old: true } })
    const changes = {
      current_task: 'drive',
      short_term_memory: { new: [1] },
      long_term_memory_ref: 'ref',
      session_id: 'session',
      last_activity_at: '2026-11-23T18:03:11.204Z',
      tasks_completed: 3,
      tokens_used: 900,
      cost_incurred: '1.2345',
      token_limit: 1_000,
      cost_limit: '2.0000',
    }
    const { status, body } = await patch(agent, { ...changes, cost_incurred: 1.2345, cost_limit: 2 })
    expect(status).toBe(200)
    expect(body).toEqual({ ...agent, ...changes, updated_at: body.updated_at, seq: agent.seq + 1 })
    expect((await fleet.rest.get<Agent>(`${fleet.agents}/${agent.id}`)).body).toEqual(body)
    const { short_term_memory: _, ...summary } = body
    const events = await eventsAfter(agent)
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({ name: 'agent.updated', agent: summary })
  })

  it('clears by null what is nullable, and refuses null for the rest', async () => {
    const cleared = {
      current_task: null,
      long_term_memory_ref: null,
      session_id: null,
      token_limit: null,
      cost_limit: null,
      last_activity_at: null,
    }
    const agent = await spawn(fleet, {
      current_task: 'a',
      long_term_memory_ref: 'b',
      session_id: 'c',
      token_limit: 4,
      cost_limit: 5,
    })
    await patch(agent, { last_activity_at: '2026-11-23T18:03:11Z' })
    expect((await patch(agent, cleared)).body).toMatchObject(cleared)
    for (const field of ['status', 'short_term_memory', 'tasks_completed', 'tokens_used', 'cost_incurred']) {
      expect(await patch(agent, { [field]: null })).toEqual(invalid(field))
    }
  })

  it.each(
    wrongValues(
      ['status', 'asleep'],
      ['name', 'Eve'],
      ['tasks_completed', -1],
      ['tokens_used', 0.5],
      ['cost_incurred', '1.00001'],
      ['cost_incurred', -1],
      ['last_activity_at', 'yesterday'],
      ['last_activity_at', '2026-11-23'],
      ['last_activity_at', '2026-11-23T18:03:11'],
      ['last_activity_at', '2026-02-30T00:00:00Z'],
      ['current_task', 'x'.repeat(32_769)],
      ['short_term_memory', { a: 'x'.repeat(65_536) }],
      ['session_id', 'x'.repeat(256)],
      ['agent_type_id', '00000000-0000-4000-8000-000000000000'],
    ),
  )('refuses $field: $shown, by its name', async ({ field, value }) => {
    expect(await patch(await spawn(fleet), { [field]: value })).toEqual(invalid(field))
  })

  it('reads a time with any offset, to the millisecond', async () => {
    const agent = await spawn(fleet)
    const { body } = await patch(agent, { last_activity_at: '2026-11-23T20:03:11.2049+02:00' })
    expect(body.last_activity_at).toBe('2026-11-23T18:03:11.204Z')
  })

  it.each(['0000-01-01T00:00:00Z', '0001-01-01T00:00:00+01:00', '9999-12-31T23:59:59-01:00'])(
    'never fails on the time %s',
    async (last_activity_at) => {
      expect([200, 422]).toContain((await patch(await spawn(fleet), { last_activity_at })).status)
    },
  )

  it('that changes nothing is no error and no event', async () => {
    const agent = await spawn(fleet, { current_task: 'a', short_term_memory: { a: { b: 1 } } })
    for (const body of [
      {},
      { status: 'idle' },
      { current_task: 'a', short_term_memory: { a: { b: 1 } }, cost_incurred: '0' },
    ]) {
      const answer = await patch(agent, body)
      expect(answer.status).toBe(200)
      expect(answer.body).toEqual(agent)
    }
    expect(await eventsAfter(agent)).toEqual([])
  })

  it('changes the status within the lifecycle, and tells a runtime only of what an operator would do', async () => {
    const agent = await spawn(fleet)
    expect((await patch(agent, { status: 'working' })).body).toMatchObject({
      status: 'working',
      control: null,
    })
    expect((await patch(agent, { status: 'waiting' })).body.pending_signals).toBe(0)
    const paused = (await patch(agent, { status: 'paused' })).body
    expect(paused).toMatchObject({
      control: { kind: 'pause', state: 'pending', reason: null },
      pending_signals: 1,
    })
    expect(await patch(agent, { status: 'working' })).toEqual(
      onStatus('Cannot transition from paused to working'),
    )
    const idle = (await patch(agent, { status: 'idle' })).body
    expect(idle).toMatchObject({ control: { kind: 'resume', resume_at: null }, pending_signals: 1 })
    const names = (await eventsAfter(agent)).map(({ from, to, signal }) => [from, to, signal?.kind])
    expect(names).toEqual([
      ['idle', 'working', undefined],
      ['working', 'waiting', undefined],
      ['waiting', 'paused', 'pause'],
      ['paused', 'idle', 'resume'],
    ])
  })

  it('to terminated does all that a DELETE does', async () => {
    const agent = await spawn(fleet, { session_id: 's', current_task: 't' })
    const { body } = await patch(agent, { status: 'terminated' })
    expect(body).toMatchObject({
      status: 'terminated',
      session_id: null,
      current_task: null,
      terminated_at: body.updated_at,
      control: { kind: 'terminate' },
    })
    const [event] = await eventsAfter(agent)
    expect(event).toMatchObject({ name: 'agent.terminated', from: 'idle', to: 'terminated' })
    expect(event?.signal).toMatchObject({ kind: 'terminate', id: body.control?.signal_id })
  })

  it('of a terminated agent changes its counters and nothing else', async () => {
    const agent = await spawn(fleet, { token_limit: 1 })
    await fleet.rest.delete(`${fleet.agents}/${agent.id}`)
    const counters = { tasks_completed: 1, tokens_used: 2, cost_incurred: '3.0000' }
    const late = await patch(agent, { ...counters, status: 'terminated' })
    expect(late.status).toBe(200)
    expect(late.body).toMatchObject({ ...counters, status: 'terminated' })
    expect(await patch(agent, { status: 'idle' })).toEqual(
      onStatus('Cannot transition from terminated to idle'),
    )
    expect(await patch(agent, { tokens_used: 9, current_task: 'again', token_limit: null })).toEqual(
      invalid('current_task', 'token_limit'),
    )
    const read = await fleet.rest.get<Agent>(`${fleet.agents}/${agent.id}`)
    expect(read.body).toEqual(late.body)
  })

  it('pauses an agent whose counters reach a limit', async () => {
    const agent = await spawn(fleet, { status: 'working', token_limit: 100 })
    expect((await patch(agent, { tokens_used: 99 })).body.status).toBe('working')
    const { body } = await patch(agent, { tokens_used: 100 })
    expect(body).toMatchObject({
      status: 'paused',
      tokens_used: 100,
      control: { kind: 'pause', reason: 'budget', requested_by: { kind: 'system', id: null } },
    })
    const event = (await eventsAfter(agent)).at(-1)
    expect(event).toMatchObject({
      name: 'agent.budget_exceeded',
      from: 'working',
      to: 'paused',
      seq: body.seq,
    })
    expect(event?.signal).toMatchObject({ kind: 'pause', reason: 'budget' })
  })

  it('cannot be resumed over its limit, until one update raises the limit and resumes it', async () => {
    const agent = await spawn(fleet, { cost_limit: '1' })
    await patch(agent, { cost_incurred: '1' })
    const over = onStatus('Agent is over its cost limit')
    expect(await patch(agent, { status: 'idle' })).toEqual(over)
    expect(await fleet.rest.post(`${fleet.agents}/${agent.id}/resume`)).toEqual(over)
    const { status, body } = await patch(agent, { status: 'idle', cost_limit: '1.0001' })
    expect(status).toBe(200)
    expect(body).toMatchObject({ status: 'idle', cost_limit: '1.0001', control: { kind: 'resume' } })
    expect(await eventsAfter(agent)).toHaveLength(2)
  })

  it('a hundred at once all count: each is decided against the row as it is written', async () => {
    const agent = await spawn(fleet)
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => patch(agent, { tasks_completed: index + 1 })),
    )
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect(await eventsAfter(agent)).toHaveLength(100)
  })
})

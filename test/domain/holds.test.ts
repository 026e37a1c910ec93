import { describe, expect, it } from 'vitest'
import { ActiveHolds } from '#src/domain/active-holds.ts'
import type { AgentState } from '#src/domain/agent.ts'
import { byOrder, byRuntime, type Cause, type Control } from '#src/domain/control.ts'
import type { Hold } from '#src/domain/hold.ts'
import { decideHolds } from '#src/domain/holding.ts'
import { decideAction, decideTimedResume } from '#src/domain/orders.ts'
import { decideFound } from '#src/domain/registration.ts'
import { decideReport } from '#src/domain/report.ts'
import { decideSpawn } from '#src/domain/spawn.ts'
import { decideUpdate } from '#src/domain/update.ts'
import { agent_type, anAgent, context, input, LATER, NOW, parents } from './an-agent.ts'

const aHold = (id: string, own: Partial<Hold> = {}): Hold => ({
  id,
  project_id: parents.project.id,
  group_id: null,
  reason: `reason of ${id}`,
  selector: 'team=a',
  agent_type_id: null,
  mode: 'interrupt',
  until: null,
  cause: { kind: 'order', id: null },
  created_by: { kind: 'user', id: 'bea' },
  created_at: NOW,
  released_at: null,
  released_by: null,
  affected_count: 0,
  ...own,
})
const [h1, h2] = [aHold('h1'), aHold('h2', { selector: null })]
const under = (...holds: Hold[]) => ({ ...context, holds: new ActiveHolds(holds) })
const inA = { labels: { team: 'a' } }
const byHold = (id: string): Cause => ({ kind: 'hold', id })
const pausedBy = (cause: Cause, own: Partial<AgentState> = {}) => {
  const { agent } = decideAction(
    anAgent(inA),
    { action: 'pause', reason: null, resume_at: null, cause },
    context,
  )
  return { ...agent, holds: ['h1'], ...own }
}

describe('the holds of an agent', () => {
  it('are those that match its labels and its type, oldest first; a terminated one has none', () => {
    const holds = new ActiveHolds([
      h1,
      aHold('typed', { selector: null, agent_type_id: agent_type.id }),
      aHold('other', { agent_type_id: 'another' }),
      h2,
    ])
    const ids = (agent: AgentState) => holds.of(agent).map(({ id }) => id)
    expect(ids(anAgent(inA))).toEqual(['h1', 'typed', 'h2'])
    expect(ids(anAgent())).toEqual(['typed', 'h2'])
    expect(ids(anAgent({ ...inA, status: 'terminated' }))).toEqual([])
    const { agent } = decideAction(
      pausedBy(byOrder),
      { action: 'terminate', reason: null, resume_at: null },
      context,
    )
    expect(agent.holds).toEqual([])
  })
})

describe('under a hold', () => {
  it('an agent that runs is paused as the oldest says, and one that is paused only shows it', () => {
    const paused = decideHolds(anAgent({ ...inA, status: 'working' }), under(h1, h2))
    expect(paused).toMatchObject({
      agent: { status: 'paused', holds: ['h1', 'h2'] },
      event: { name: 'agent.status_changed', from: 'working', to: 'paused', signal: { kind: 'pause' } },
    })
    expect(paused?.agent.control).toMatchObject({
      reason: 'reason of h1',
      mode: 'interrupt',
      requested_by: { id: 'bea' },
      cause: byHold('h1'),
    })
    const own = pausedBy(byOrder, { holds: [] })
    expect(decideHolds(own, under(h1))).toEqual({
      agent: { ...own, holds: ['h1'] },
      event: { name: 'agent.updated' },
    })
    expect(decideHolds(pausedBy(byOrder), under(h1))).toBeUndefined()
  })

  it('a spawn starts paused: by the hold, by order if it asked for it, with its parent if that is paused', () => {
    const causeOf = (own: object, parent?: AgentState) => {
      const spawn = { ...input, ...inA, parent_id: parent?.id ?? null, ...own }
      const { agent, event } = decideSpawn(spawn, { ...parents, parent }, { ...under(h1), id: 'new' })
      expect(agent).toMatchObject({ status: 'paused', holds: ['h1'] })
      expect(event).toMatchObject({ name: 'agent.spawned', signal: { kind: 'pause' } })
      return agent.control?.cause
    }
    expect(causeOf({ status: 'working' })).toEqual(byHold('h1'))
    expect(causeOf({ status: 'paused' })).toEqual(byOrder)
    const parent = pausedBy(byOrder)
    expect(causeOf({}, parent)).toEqual({ kind: 'parent', id: parent.id })
  })

  it('nothing resumes: no order, no update, no timer; a report keeps the rest', () => {
    const agent = pausedBy(byOrder, { resume_at: NOW })
    const refused = expect.objectContaining({ message: 'Agent is held: reason of h1' })
    const resume = { action: 'resume', reason: null, resume_at: null } as const
    expect(() => decideAction(agent, resume, under(h1))).toThrow(refused)
    expect(() => decideUpdate(agent, { status: 'idle' }, under(h1))).toThrow(refused)
    expect(decideTimedResume(agent, under(h1))).toBeUndefined()
    // Not reached yet by the hold.
    const report = { n: 1, status: 'working', usage: { tokens_used: 5 } } as const
    expect(decideReport(anAgent(inA), report, under(h1))).toMatchObject({
      status_rejected: 'Agent is held: reason of h1',
      change: { agent: { status: 'idle', tokens_used: 5 } },
    })
  })

  it('new labels decide: into it, out of it, and out of it with a resume in one', () => {
    const into = decideUpdate(anAgent({ status: 'waiting' }), inA, under(h1))
    expect(into).toMatchObject({
      agent: { status: 'paused', ...inA, holds: ['h1'] },
      event: { name: 'agent.status_changed', from: 'waiting', to: 'paused' },
    })
    const out = { labels: { team: null } }
    expect(decideUpdate(pausedBy(byHold('h1')), out, under(h1))).toMatchObject({
      agent: { status: 'idle', labels: {}, holds: [], control: { cause: byHold('h1') } },
      event: { from: 'paused', to: 'idle', signal: { kind: 'resume' } },
    })
    expect(decideUpdate(pausedBy(byOrder), out, under(h1))?.agent).toMatchObject({
      status: 'paused',
      holds: [],
    })
    expect(decideUpdate(pausedBy(byOrder), { ...out, status: 'idle' }, under(h1))?.agent).toMatchObject({
      status: 'idle',
      holds: [],
    })
  })

  it('a register that brings labels is attached, and then paused', () => {
    const named = anAgent({ external_id: 'job', status: 'working' })
    const found = decideFound(named, { replica: 'r', ...inA }, under(h1))
    expect(found).toMatchObject({
      agent: { status: 'working', ...inA, holds: [], runtime_connected: true },
      event: { name: 'agent.runtime_connected' },
      next: { agent: { status: 'paused', holds: ['h1'], runtime_connected: true } },
    })
  })
})

describe('once no hold is left', () => {
  const isRunning = (id: string) => id === 'runs'
  const ended = (agent: AgentState) => decideHolds(agent, { ...under(), isRunning })?.agent
  const controlOf = (agent: AgentState, own: Partial<Control>) => ({
    ...agent,
    control: agent.control && { ...agent.control, ...own },
  })

  it.each([
    ['a hold', byHold('h0'), 'idle'],
    ['a budget that placed one', { kind: 'budget', id: 'b' }, 'idle'],
    ['a parent that runs again', { kind: 'parent', id: 'runs' }, 'idle'],
    ['a parent that is paused', { kind: 'parent', id: 'other' }, 'paused'],
    ['a person', byOrder, 'paused'],
    ['its own limit', { kind: 'budget', id: null }, 'paused'],
    ['its runtime', byRuntime, 'paused'],
  ] as const)('an agent that was paused by %s is %3$s', (_, cause, status) => {
    expect(ended(controlOf(pausedBy(byOrder), { cause }))).toMatchObject({ status, holds: [] })
  })

  it('an agent goes on whose own timer came due, and stays if it is over its limit', () => {
    expect(ended(pausedBy(byOrder, { resume_at: NOW }))).toMatchObject({
      status: 'idle',
      control: { cause: { kind: 'timer' }, reason: 'resume_after' },
    })
    const limited = pausedBy(byHold('h1'), { token_limit: 5, tokens_used: 5 })
    expect(ended(limited)).toMatchObject({ status: 'paused', holds: [] })
  })

  it('it resumes at the time that it is given, unless another hold comes first', () => {
    const later = '2026-11-23T18:05:00.000Z'
    const change = decideHolds(pausedBy(byHold('h1')), under(), later)
    expect(change).toMatchObject({
      agent: { status: 'paused', holds: [], resume_at: later, control: { resume_at: later } },
      event: { name: 'agent.updated' },
    })
    const due = { ...(change?.agent as AgentState), resume_at: LATER }
    expect(decideTimedResume(due, under(h2))).toBeUndefined()
    expect(decideTimedResume(due, under())?.agent).toMatchObject({
      status: 'idle',
      control: { cause: byHold('h1'), reason: null },
    })
  })
})

import { describe, expect, it } from 'vitest'
import type { AgentState } from '#src/domain/agent.ts'
import { type AgentPatch, decideUpdate } from '#src/domain/update.ts'
import { anAgent, context, LATER, NOW } from './an-agent.ts'

const update = (own: Partial<AgentState>, patch: AgentPatch) => decideUpdate(anAgent(own), patch, context)
const problems = (...list: { message: string; field: string }[]) =>
  expect.objectContaining({ kind: 'invalid', problems: list })

describe('an update', () => {
  it('that changes nothing is no event', () => {
    expect(update({}, {})).toBeUndefined()
    expect(update({ status: 'working' }, { status: 'working' })).toBeUndefined()
    expect(update({ status: 'terminated' }, { status: 'terminated' })).toBeUndefined()
    const same = { short_term_memory: { a: [1, { b: null }] }, tokens_used: 3, current_task: 'drive' }
    expect(update(same, structuredClone(same))).toBeUndefined()
  })

  it('of fields alone is agent.updated, without from, to or signal', () => {
    const change = update({ current_task: 'a' }, { current_task: null, tasks_completed: 2 })
    expect(change?.event).toEqual({ name: 'agent.updated' })
    expect(change?.agent).toMatchObject({ current_task: null, tasks_completed: 2, status: 'idle' })
  })

  it('of the status among idle, working and waiting sends the runtime nothing', () => {
    const change = update({ status: 'working' }, { status: 'waiting', current_task: 'wait' })
    expect(change?.event).toEqual({ name: 'agent.status_changed', from: 'working', to: 'waiting' })
    expect(change?.agent).toMatchObject({ control: null, current_task: 'wait', last_activity_at: LATER })
  })

  it.each([
    ['idle', 'paused', 'pause'],
    ['paused', 'idle', 'resume'],
    ['waiting', 'terminated', 'terminate'],
  ] as const)('from %s to %s is the same as the action', (from, to, kind) => {
    const change = update({ status: from }, { status: to })
    expect(change?.event).toMatchObject({ from, to, signal: { kind } })
    expect(change?.agent.control).toMatchObject({ kind, state: 'pending', requested_by: context.actor })
  })

  it('that terminates clears session and task, whatever its other fields', () => {
    const change = update({ session_id: 's' }, { status: 'terminated', current_task: 'x', session_id: 'y' })
    expect(change?.event?.name).toBe('agent.terminated')
    expect(change?.agent).toMatchObject({ current_task: null, session_id: null, terminated_at: LATER })
  })

  it('to a status that the lifecycle does not allow changes nothing at all', () => {
    expect(() => update({}, { status: 'waiting', current_task: 'x' })).toThrow(
      problems({ message: 'Cannot transition from idle to waiting', field: 'status' }),
    )
  })

  it('keeps an explicit time of activity, also beside a change of status', () => {
    expect(update({}, { status: 'working', last_activity_at: NOW })?.agent.last_activity_at).toBe(NOW)
    expect(update({}, { status: 'working', last_activity_at: null })?.agent.last_activity_at).toBeNull()
  })

  it('of a terminated agent changes the three counters', () => {
    const patch = { tasks_completed: 1, tokens_used: 2, cost_incurred: '3.0000' }
    const change = update({ status: 'terminated', token_limit: 1 }, { ...patch, status: 'terminated' })
    expect(change?.event).toEqual({ name: 'agent.updated' })
    expect(change?.agent).toMatchObject({ ...patch, status: 'terminated' })
  })

  it('of other fields of a terminated agent names each of them', () => {
    const patch = { status: 'idle', current_task: 'x', tokens_used: 5, token_limit: 9 } as const
    try {
      update({ status: 'terminated' }, patch)
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ kind: 'invalid' })
      const { problems } = error as { problems: { field: string; message: string }[] }
      expect(problems.map(({ field }) => field)).toEqual(['status', 'current_task', 'token_limit'])
      expect(problems[0]?.message).toBe('Cannot transition from terminated to idle')
    }
  })

  it('that takes a counter to its limit pauses, in one event, from the status before it', () => {
    const change = update({ token_limit: 10 }, { status: 'working', tokens_used: 10 })
    expect(change?.agent).toMatchObject({ status: 'paused', tokens_used: 10 })
    expect(change?.event).toMatchObject({ name: 'agent.budget_exceeded', from: 'idle', to: 'paused' })
    const cost = update({ cost_limit: '1.0000', status: 'waiting' }, { cost_incurred: '1.0001' })
    expect(cost?.event).toMatchObject({ name: 'agent.budget_exceeded', from: 'waiting' })
  })

  it('can raise a limit and resume at once', () => {
    const spent = { status: 'paused', token_limit: 10, tokens_used: 10 } as const
    expect(() => update(spent, { status: 'idle' })).toThrow(
      problems({ message: 'Agent is over its token limit', field: 'status' }),
    )
    expect(update(spent, { status: 'idle', token_limit: 11 })?.agent.status).toBe('idle')
    expect(update(spent, { status: 'idle', token_limit: null })?.agent.status).toBe('idle')
    expect(update(spent, { status: 'idle', tokens_used: 0 })?.agent.status).toBe('idle')
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ActionName, actions } from '#src/domain/actions.ts'
import { type AgentState, toAgent } from '#src/domain/agent.ts'
import { enforceBudget } from '#src/domain/change.ts'
import { pendingSignals } from '#src/domain/control.ts'
import { SignalboxError } from '#src/domain/errors.ts'
import { agentStatuses, canTransition } from '#src/domain/lifecycle.ts'
import { decideAction } from '#src/domain/orders.ts'
import { decideSpawn } from '#src/domain/spawn.ts'
import { decideUpdate } from '#src/domain/update.ts'
import { agent_type, anAgent, context, input, LATER, NOW, parents } from './an-agent.ts'

const names = Object.keys(actions) as ActionName[]
const act = (action: ActionName, own = {}, request = {}) =>
  decideAction(anAgent(own), { action, reason: null, resume_at: null, ...request }, context)
const refusal = (message: string, field = 'status') =>
  expect.objectContaining({ kind: 'invalid', problems: [{ message, field }] })

describe('a spawn', () => {
  it('begins with nothing used, nothing asked and no event before it', () => {
    const { agent, event } = decideSpawn(input, parents, { ...context, id: 'x', now: NOW })
    expect(event).toEqual({ name: 'agent.spawned' })
    expect(toAgent(agent)).toMatchObject({
      status: 'idle',
      tasks_completed: 0,
      tokens_used: 0,
      cost_incurred: '0.0000',
      created_at: NOW,
      updated_at: NOW,
      agent_type_name: 'Driver',
      project_slug: 'line',
      runtime: { connected: false, since: null },
      control: null,
      pending_signals: 0,
    })
  })

  it('is refused for an inactive type', () => {
    const inactive = { ...parents, agent_type: { ...agent_type, is_active: false } }
    expect(() => decideSpawn(input, inactive, { ...context, id: 'x', now: NOW })).toThrow(
      refusal("Agent type 'Driver' is inactive and cannot be used", 'agent_type_id'),
    )
  })
})

describe('an action', () => {
  it('pauses, and issues a signal for the runtime', () => {
    const { agent, event } = act('pause', { status: 'working' }, { reason: 'lunch', resume_at: LATER })
    expect(agent).toMatchObject({ status: 'paused', last_activity_at: LATER })
    expect(agent.control).toEqual({
      signal_id: context.signal_id,
      kind: 'pause',
      state: 'pending',
      reason: 'lunch',
      requested_by: context.actor,
      requested_at: LATER,
      acknowledged_at: null,
      resume_at: LATER,
      mode: 'checkpoint',
      cause: { kind: 'order', id: null },
    })
    expect(event).toEqual({
      name: 'agent.status_changed',
      from: 'working',
      to: 'paused',
      signal: {
        id: context.signal_id,
        kind: 'pause',
        payload: null,
        reason: 'lunch',
        mode: 'checkpoint',
        issued_at: LATER,
        attempt: 1,
      },
    })
    expect(pendingSignals(agent)).toBe(1)
  })

  it('terminates: clears session and task, and sets terminated_at', () => {
    const { agent, event } = act('terminate', { session_id: 's', current_task: 't' })
    expect(agent).toMatchObject({
      status: 'terminated',
      terminated_at: LATER,
      session_id: null,
      current_task: null,
      control: { kind: 'terminate' },
    })
    expect(event).toMatchObject({ name: 'agent.terminated', from: 'idle', to: 'terminated' })
    expect(event?.signal).toMatchObject({ kind: 'terminate' })
  })

  it('terminates only once', () => {
    expect(() => act('terminate', { status: 'terminated' })).toThrow(refusal('Agent is already terminated'))
  })

  it.each(['idle', 'working', 'waiting', 'terminated'] as const)(
    'never resumes an agent that is %s',
    (status) => {
      expect(() => act('resume', { status })).toThrow(refusal(`Cannot transition from ${status} to idle`))
    },
  )

  it('resumes a paused agent, and issues a signal', () => {
    const { agent, event } = act('resume', { status: 'paused' })
    expect(agent).toMatchObject({ status: 'idle', control: { kind: 'resume', resume_at: null } })
    expect(event).toMatchObject({ from: 'paused', to: 'idle', signal: { kind: 'resume' } })
  })

  it.each([
    [{ token_limit: 10, tokens_used: 10 }, 'token limit'],
    [{ token_limit: 10, tokens_used: 11 }, 'token limit'],
    [{ cost_limit: '1.0000', cost_incurred: '1.0000' }, 'cost limit'],
  ])('never resumes over a limit: %j', (usage, limit) => {
    const message = `Agent is over its ${limit}`
    expect(() => act('resume', { status: 'paused', ...usage })).toThrow(refusal(message))
  })

  it('resumes below its limits', () => {
    const below = { token_limit: 10, tokens_used: 9, cost_limit: '10.0000', cost_incurred: '9.9999' }
    expect(act('resume', { status: 'paused', ...below }).agent.status).toBe('idle')
  })
})

describe('a budget', () => {
  const spent = { token_limit: 10, tokens_used: 10 }
  const enforced = (before: Partial<AgentState>, after: Partial<AgentState>) =>
    enforceBudget(anAgent(before), { agent: anAgent(after), event: { name: 'agent.updated' } }, context)

  it.each(['idle', 'working', 'waiting'] as const)(
    'pauses an agent that is %s and has reached it',
    (status) => {
      const change = enforced({ status, tokens_used: 9 }, { status, ...spent })
      expect(change?.event).toMatchObject({ name: 'agent.budget_exceeded', from: status, to: 'paused' })
      expect(change?.event?.signal).toMatchObject({ kind: 'pause', reason: 'budget' })
      expect(change?.agent.control).toMatchObject({
        reason: 'budget',
        requested_by: { kind: 'system', id: null },
      })
    },
  )

  it('leaves a terminated agent alone, and a paused one that has exceeded it before', () => {
    const unchanged = (own: Partial<AgentState>) =>
      expect(enforced(own, { ...own, ...spent })?.event).toEqual({ name: 'agent.updated' })
    unchanged({ status: 'terminated' })
    unchanged({ status: 'paused', ...spent })
  })

  it('leaves an agent without limits, and one below them, alone', () => {
    for (const own of [
      { tokens_used: 1e9, cost_incurred: '9999999.0000' },
      { token_limit: 11, tokens_used: 10 },
    ]) {
      expect(enforced({}, own)?.event).toEqual({ name: 'agent.updated' })
    }
  })

  it('reached while paused makes one event, and is the reason of a pause without one', () => {
    const control = (reason: string | null) =>
      decideAction(anAgent(), { action: 'pause', reason, resume_at: LATER }, context).agent
    for (const [given, reason] of [
      [null, 'budget'],
      ['lunch', 'lunch'],
    ] as const) {
      const before = control(given)
      const change = enforced(before, { ...before, ...spent })
      expect(change?.event).toEqual({ name: 'agent.budget_exceeded' })
      expect(change?.agent).toEqual({
        ...before,
        ...spent,
        control: { ...before.control, reason, requested_by: context.actor, resume_at: LATER },
      })
      expect(change?.issued).toBeUndefined()
      expect(enforced(change?.agent ?? {}, { ...change?.agent, tokens_used: 11 })?.event).toEqual({
        name: 'agent.updated',
      })
    }
  })

  it('reached by an agent spawned as paused asks its runtime to stop', () => {
    const change = enforced({ status: 'paused' }, { status: 'paused', ...spent })
    expect(change?.event).toMatchObject({
      name: 'agent.budget_exceeded',
      signal: { kind: 'pause', reason: 'budget' },
    })
    expect(change?.issued).toMatchObject({ kind: 'pause', reason: 'budget', outcome: null })
    expect(change?.agent.control).toMatchObject({ kind: 'pause', state: 'pending', reason: 'budget' })
  })

  it('reached by the change that pauses shows in that one event', () => {
    const change = decideUpdate(anAgent({ token_limit: 10 }), { status: 'paused', tokens_used: 10 }, context)
    expect(change?.event).toMatchObject({
      name: 'agent.budget_exceeded',
      from: 'idle',
      to: 'paused',
      signal: { reason: 'budget' },
    })
    expect(change?.issued).toMatchObject({ reason: 'budget' })
    expect(change?.agent.control).toMatchObject({ reason: 'budget', requested_by: context.actor })
  })
})

describe('any sequence of actions and updates', () => {
  const step = fc.oneof(
    fc.record({ action: fc.constantFrom(...names) }),
    fc.record({ status: fc.constantFrom(...agentStatuses) }),
    fc.record({ tokens_used: fc.nat(20), token_limit: fc.option(fc.nat(20)) }),
  )

  it('takes only legal steps; a terminated agent takes none', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30, size: 'max' }), (steps) => {
        let agent = anAgent()
        for (const one of steps) {
          const before = agent
          try {
            const change =
              'action' in one
                ? decideAction(agent, { ...one, reason: null, resume_at: null }, context)
                : decideUpdate(agent, one, context)
            agent = change?.agent ?? agent
          } catch (error) {
            if (!(error instanceof SignalboxError)) throw error
          }
          // A budget may pause right after a legal step: then the pause is from where it stood.
          if (agent.status !== before.status) expect(canTransition(before.status, agent.status)).toBe(true)
          expect(agent.status === 'terminated').toBe(agent.terminated_at !== null)
        }
      }),
    )
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ActionName, actions, decideAction } from '#src/domain/actions.ts'
import { pendingSignals, toAgent } from '#src/domain/agent.ts'
import { pauseOverBudget } from '#src/domain/change.ts'
import { SignalboxError } from '#src/domain/errors.ts'
import { agentStatuses, canTransition } from '#src/domain/lifecycle.ts'
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
    const { agent, event } = decideSpawn(input, parents, { id: 'x', now: NOW })
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
    expect(() => decideSpawn(input, inactive, { id: 'x', now: NOW })).toThrow(
      refusal("Agent type 'Driver' is inactive and cannot be used", 'agent_type_id'),
    )
  })
})

describe('an action', () => {
  it('pauses with a signal that the runtime must be told', () => {
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
        issued_at: LATER,
        attempt: 1,
      },
    })
    expect(pendingSignals(agent)).toBe(1)
  })

  it('terminates: the session and the task are cleared, the time is kept', () => {
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

  it('resumes a paused agent with a signal of its own', () => {
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

  it.each(['idle', 'working', 'waiting'] as const)(
    'pauses an agent that is %s and has reached it',
    (status) => {
      const change = pauseOverBudget(anAgent({ status, ...spent }), context)
      expect(change?.event).toMatchObject({ name: 'agent.budget_exceeded', from: status, to: 'paused' })
      expect(change?.event?.signal).toMatchObject({ kind: 'pause', reason: 'budget' })
      expect(change?.agent.control).toMatchObject({
        reason: 'budget',
        requested_by: { kind: 'system', id: null },
      })
    },
  )

  it.each(['paused', 'terminated'] as const)('leaves an agent that is %s alone', (status) => {
    expect(pauseOverBudget(anAgent({ status, ...spent }), context)).toBeUndefined()
  })

  it('leaves an agent without limits, and one below them, alone', () => {
    expect(
      pauseOverBudget(anAgent({ tokens_used: 1e9, cost_incurred: '9999999.0000' }), context),
    ).toBeUndefined()
    expect(pauseOverBudget(anAgent({ token_limit: 11, tokens_used: 10 }), context)).toBeUndefined()
  })
})

describe('any sequence of actions and updates', () => {
  const step = fc.oneof(
    fc.record({ action: fc.constantFrom(...names) }),
    fc.record({ status: fc.constantFrom(...agentStatuses) }),
    fc.record({ tokens_used: fc.nat(20), token_limit: fc.option(fc.nat(20)) }),
  )

  it('takes only legal steps, and a terminated agent none', () => {
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

import { describe, expect, it } from 'vitest'
import { system } from '#src/domain/actor.ts'
import type { AgentState } from '#src/domain/agent.ts'
import { decideTimedResume } from '#src/domain/orders.ts'
import { aControl } from './a-signal.ts'
import { anAgent, context, LATER, NOW } from './an-agent.ts'

const timer = { ...context, actor: system }
const paused = (resume_at: string | null, own: Partial<AgentState> = {}) =>
  anAgent({ status: 'paused', resume_at, control: aControl({ resume_at }), ...own })

describe('a pause with an end', () => {
  it.each([NOW, LATER])('that is due at %s resumes with a signal', (resume_at) => {
    const change = decideTimedResume(paused(resume_at), timer)
    expect(change?.event).toMatchObject({
      name: 'agent.status_changed',
      from: 'paused',
      to: 'idle',
      signal: { id: context.signal_id, kind: 'resume' },
    })
    expect(change?.agent).toMatchObject({
      status: 'idle',
      resume_at: null,
      control: { kind: 'resume', state: 'pending', requested_by: system, resume_at: null },
    })
    expect(change?.issued?.id).toBe(context.signal_id)
  })

  it('is left alone before its time, without a timer, and after its end', () => {
    const millisecond = new Date(Date.parse(LATER) + 1).toISOString()
    expect(decideTimedResume(paused(millisecond), timer)).toBeUndefined()
    expect(decideTimedResume(paused(null), timer)).toBeUndefined()
    for (const status of ['idle', 'working', 'waiting', 'terminated'] as const) {
      expect(decideTimedResume(paused(null, { status }), timer)).toBeUndefined()
      expect(decideTimedResume(paused(NOW, { status }), timer)).toBeUndefined()
    }
  })

  it.each([
    ['token limit', { token_limit: 5, tokens_used: 5 }],
    ['cost limit', { cost_limit: '1.0000', cost_incurred: '1.0001' }],
  ])('over its %s stays paused, with the same signal and no end any more', (_, over) => {
    const before = paused(NOW, over)
    const change = decideTimedResume(before, timer)
    expect(change).toEqual({
      agent: { ...before, resume_at: null, control: aControl() },
      event: { name: 'agent.updated' },
    })
    expect(decideTimedResume(change?.agent ?? before, timer)).toBeUndefined()
  })
})

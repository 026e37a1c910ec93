import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AgentState } from '#src/domain/agent.ts'
import type { Change } from '#src/domain/change.ts'
import { SignalboxError } from '#src/domain/errors.ts'
import { decideAction } from '#src/domain/orders.ts'
import { decideReport } from '#src/domain/report.ts'
import { endByTermination, type RequestRecord } from '#src/domain/request.ts'
import { decideAnswer, decideExpiry, decideRequest, decideWithdraw } from '#src/domain/requests.ts'
import { decideAcknowledgement } from '#src/domain/runtime.ts'
import type { SignalRecord } from '#src/domain/signal.ts'
import { decideUpdate } from '#src/domain/update.ts'
import { aQuestion } from './a-request.ts'
import { anAgent, context, LATER } from './an-agent.ts'

/** What is kept of one agent, as `commands/` keeps it. */
type Kept = { agent: AgentState; requests: RequestRecord[]; signals: SignalRecord[] }

function keep(kept: Kept, change: Change): Kept {
  const { agent, issued, signals = [], requests = [] } = change
  const changed = (request: RequestRecord) => requests.find(({ id }) => id === request.id) ?? request
  const added = requests.filter(({ id }) => kept.requests.every((request) => request.id !== id))
  const ends = agent.status === 'terminated' && kept.agent.status !== 'terminated'
  const all = [...kept.requests.map(changed), ...added]
  const sent = kept.signals.map((old) => signals.find(({ id }) => id === old.id) ?? old)
  return {
    agent,
    requests: ends ? all.map((request) => endByTermination(request, LATER)) : all,
    signals: issued ? [...sent, { ...issued, agent_id: agent.id, seq: 0, traceparent: null }] : sent,
  }
}

const status = fc.constantFrom('resolved' as const, 'cancelled' as const)
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ ask: fc.nat(6), expires: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ answer: fc.nat(6), status }) },
  fc.record({ withdraw: fc.nat(6) }),
  fc.record({ expire: fc.nat(6) }),
  { weight: 3, arbitrary: fc.record({ acknowledge: fc.nat(9) }) },
  fc.record({ terminate: fc.constantFrom('order', 'update', 'report') }),
  fc.record({ pause: fc.constant(true) }),
)
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never

const SOON = '2026-11-23T18:05:00.000Z'
const MUCH_LATER = '2026-11-23T18:10:00.000Z'

function decide({ agent, requests, signals }: Kept, step: Step, n: number): readonly Change[] {
  const issuing = { ...context, signal_id: `signal ${n}` }
  const named = (name: number) => requests.find(({ request_id }) => request_id === `q${name}`)
  if ('ask' in step) {
    const asked = aQuestion({ request_id: `q${step.ask}`, expires_at: step.expires ? SOON : null })
    const { change } = decideRequest(agent, asked, { known: named(step.ask), id: `r${n}` }, issuing)
    return change ? [change] : []
  }
  if ('acknowledge' in step) {
    const answers = signals.filter(({ kind }) => kind === 'answer')
    const signal = answers[step.acknowledge % Math.max(1, answers.length)]
    const acknowledged = signal && { signal, outcome: 'done' as const, detail: null }
    return [acknowledged && decideAcknowledgement(agent, acknowledged, LATER).change].flatMap(
      (one) => one ?? [],
    )
  }
  if ('terminate' in step) return [end(agent, step.terminate, n)].flatMap((one) => one ?? [])
  if ('pause' in step)
    return [decideAction(agent, { action: 'pause', reason: null, resume_at: null }, issuing)]
  const request = named('answer' in step ? step.answer : 'expire' in step ? step.expire : step.withdraw)
  if (!request) return []
  if ('answer' in step) {
    const answer = { status: step.status, option: null, payload: null, note: null }
    return [decideAnswer(agent, request, answer, issuing).change]
  }
  const ended =
    'expire' in step
      ? decideExpiry(agent, request, { ...issuing, now: MUCH_LATER })
      : decideWithdraw(agent, request, issuing)
  return ended?.change ? [ended.change] : []
}

function end(agent: AgentState, how: string, n: number): Change | undefined {
  if (how === 'update') return decideUpdate(agent, { status: 'terminated' }, context)
  if (how === 'report') return decideReport(agent, { n, status: 'terminated' }, context).change
  return decideAction(agent, { action: 'terminate', reason: null, resume_at: null }, context)
}

/** A change that was refused is none. */
function attempt(kept: Kept, step: Step, n: number): readonly Change[] {
  try {
    return decide(kept, step, n)
  } catch (error) {
    if (!(error instanceof SignalboxError)) throw error
    return []
  }
}

function expectConsistent({ agent, requests, signals }: Kept): void {
  const open = requests.filter(({ state }) => state === 'open')
  expect(agent.open_requests).toBe(open.length)
  if (agent.status === 'terminated') expect(open).toEqual([])
  const answers = signals.filter(({ kind }) => kind === 'answer')
  expect(agent.pending_answers).toBe(answers.filter(({ outcome }) => outcome === null).length)
  // Exactly those whose end the runtime does not know by itself have a signal, each its own.
  const told = requests.filter(({ cause }) => cause === 'answered' || cause === 'expired')
  expect(told.map(({ signal_id }) => signal_id).sort()).toEqual(answers.map(({ id }) => id).sort())
  for (const { state, cause, ended_at } of requests) {
    expect([cause === null, ended_at === null]).toEqual([state === 'open', state === 'open'])
  }
  expect(new Set(requests.map(({ request_id }) => request_id)).size).toBe(requests.length)
}

describe('any sequence of questions, answers and ends', () => {
  it('leaves an agent that says what is kept of its requests, and no end is changed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
        let kept: Kept = { agent: anAgent(), requests: [], signals: [] }
        for (const [index, one] of steps.entries()) {
          const before = kept
          kept = attempt(before, one, index + 1).reduce(keep, before)
          expectConsistent(kept)
          for (const old of before.requests.filter(({ state }) => state !== 'open')) {
            expect(kept.requests).toContainEqual(old)
          }
        }
      }),
    )
  })
})

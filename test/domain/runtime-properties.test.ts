import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ActionName, actionNames } from '#src/domain/actions.ts'
import type { AgentState } from '#src/domain/agent.ts'
import type { Change } from '#src/domain/change.ts'
import { isControlOpen, pendingSignals } from '#src/domain/control.ts'
import { SignalboxError } from '#src/domain/errors.ts'
import { decideAction } from '#src/domain/orders.ts'
import { decideReport } from '#src/domain/report.ts'
import {
  decideAcknowledgement,
  decideAttach,
  decideDelivery,
  decideDisconnect,
  decideMessage,
  decideOverdue,
  decideRestore,
} from '#src/domain/runtime.ts'
import type { SignalRecord } from '#src/domain/signal.ts'
import { anAgent, context, LATER } from './an-agent.ts'

/** What is kept of one agent: its row and its signals, as `commands/` keeps them. */
type Kept = { agent: AgentState; signals: SignalRecord[]; overdue: string[] }

/** A change that was refused is none. */
function attempt(decide: () => Change | undefined): Change | undefined {
  try {
    return decide()
  } catch (error) {
    if (!(error instanceof SignalboxError)) throw error
    return undefined
  }
}

/** Takes a change as a transaction does: a new control signal supersedes the open ones. */
function keep(kept: Kept, change: Change | undefined): Kept {
  if (!change) return kept
  const { agent, event, issued, signals = [] } = change
  let all = kept.signals.map((old) => signals.find(({ id }) => id === old.id) ?? old)
  if (issued && issued.kind !== 'message') {
    all = all.map((old) =>
      old.kind === 'message' || old.outcome ? old : { ...old, outcome: 'superseded' as const },
    )
  }
  if (issued) all.push({ ...issued, agent_id: agent.id, seq: all.length + 1, traceparent: null })
  const overdue = event?.name === 'agent.signal_overdue' ? signals.map(({ id }) => id) : []
  return { agent, signals: all, overdue: [...kept.overdue, ...overdue] }
}

type Step =
  | { do: 'message' }
  | { do: 'end' }
  | { do: 'act'; action: ActionName; again: boolean }
  | { do: 'deliver'; which: number[] }
  | { do: 'acknowledge'; which: number; outcome: 'done' | 'failed' }
  | { do: 'overdue'; which: number }

const which = fc.nat(20)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant({ do: 'message' } as const),
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('act' as const),
      action: fc.constantFrom(...actionNames),
      again: fc.boolean(),
    }),
  },
  fc.record({ do: fc.constant('deliver' as const), which: fc.uniqueArray(which, { maxLength: 4 }) }),
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('acknowledge' as const),
      which,
      outcome: fc.constantFrom('done' as const, 'failed' as const),
    }),
  },
  fc.record({ do: fc.constant('overdue' as const), which }),
  fc.constant({ do: 'end' } as const),
)

function decide({ agent, signals }: Kept, step: Step, n: number): Change | undefined {
  const issuing = { ...context, signal_id: `signal ${n}` }
  const find = (index: number) => signals[index % Math.max(1, signals.length)]
  if (step.do === 'message') return decideMessage(agent, { n }, issuing)
  if (step.do === 'end') return decideReport(agent, { n, status: 'paused' }, issuing).change
  if (step.do === 'act') {
    const { action, again } = step
    return decideAction(agent, { action, again, reason: null, resume_at: null }, issuing)
  }
  if (step.do === 'overdue') return decideOverdue(agent, find(step.which), LATER)
  if (step.do === 'deliver') {
    const chosen = new Set(step.which.flatMap((index) => find(index) ?? []))
    const deliveries = [...chosen].map((signal) => ({ signal, attempt: signal.attempt + 1 }))
    return decideDelivery(agent, deliveries, LATER)
  }
  const signal = find(step.which)
  return signal && decideAcknowledgement(agent, { signal, outcome: step.outcome, detail: null }, LATER).change
}

const progress = { pending: 0, delivered: 1, done: 2, failed: 2 }

function expectProgress(before: Kept, after: Kept): void {
  for (const old of before.signals) {
    const signal = after.signals.find(({ id }) => id === old.id)
    // The first outcome, and the first delivery, is the one that stays.
    if (old.outcome) expect(signal?.outcome).toBe(old.outcome)
    if (old.delivered_at) expect(signal?.delivered_at).toBe(old.delivered_at)
    expect(signal?.attempt).toBeGreaterThanOrEqual(old.attempt)
  }
  const [was, is] = [before.agent.control, after.agent.control]
  if (was && is?.signal_id === was.signal_id) {
    expect(progress[is.state]).toBeGreaterThanOrEqual(progress[was.state])
    if (was.acknowledged_at) expect(is).toEqual(was)
  }
}

function expectConsistent({ agent, signals, overdue }: Kept): void {
  const open = signals.filter(({ outcome }) => outcome === null)
  const controls = open.filter(({ kind }) => kind !== 'message')
  expect(agent.pending_messages).toBe(open.length - controls.length)
  expect(pendingSignals(agent)).toBe(open.length)
  expect(controls.map(({ id }) => id)).toEqual(isControlOpen(agent) ? [agent.control?.signal_id] : [])
  const newest = signals.findLast(({ kind }) => kind !== 'message')
  expect(agent.control?.signal_id).toBe(newest?.id)
  if (agent.control && newest) {
    const state = newest.outcome ?? (newest.delivered_at ? 'delivered' : 'pending')
    expect(agent.control).toMatchObject({ kind: newest.kind, state, acknowledged_at: newest.acknowledged_at })
  }
  expect(new Set(overdue).size).toBe(overdue.length)
}

describe('any sequence of signals, deliveries and acknowledgements', () => {
  it('leaves an agent that says what is kept of its signals', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
        let kept: Kept = { agent: anAgent({ runtime_since: LATER }), signals: [], overdue: [] }
        for (const [index, one] of steps.entries()) {
          const before = kept
          kept = keep(
            before,
            attempt(() => decide(before, one, index + 1)),
          )
          expectProgress(before, kept)
          expectConsistent(kept)
        }
      }),
    )
  })
})

describe('any sequence of links', () => {
  const replica = fc.constantFrom('replica 1', 'replica 2')
  const event = fc.oneof(
    fc.record({ attach: replica }),
    fc.record({ lost: replica }),
    fc.record({ restore: fc.nat(9), replica }),
    fc.record({ closed: fc.nat(9) }),
  )

  it('counts leases up, and is connected only while its newest link is', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30, size: 'max' }), (events) => {
        let agent = anAgent()
        const leases: number[] = []
        for (const one of events) {
          const before = agent
          const change =
            'attach' in one
              ? decideAttach(agent, { replica: one.attach }, LATER)
              : 'lost' in one
                ? decideDisconnect(agent, { replica: one.lost }, LATER)
                : 'restore' in one
                  ? decideRestore(agent, { lease: one.restore, replica: one.replica }, LATER)
                  : decideDisconnect(agent, { lease: one.closed }, LATER)
          agent = change?.agent ?? agent
          if ('attach' in one) leases.push(agent.lease)
          else expect(agent.lease).toBe(before.lease)
          // A replica is named exactly while there is a link, and each event is a change of it.
          expect(agent.runtime_replica !== null).toBe(agent.runtime_connected)
          if (change && !('attach' in one)) expect(agent.runtime_connected).toBe(!before.runtime_connected)
          const older = 'closed' in one ? one.closed : 'restore' in one ? one.restore : undefined
          if (older !== undefined && older !== before.lease) expect(change).toBeUndefined()
        }
        expect(leases).toEqual(leases.map((_, index) => index + 1))
      }),
    )
  })
})

import type { AgentState } from '#src/domain/agent.ts'
import type { Change, DecisionContext } from '#src/domain/change.ts'
import { notFound } from '#src/domain/errors.ts'
import { type Actor, system } from '#src/domain/events.ts'
import { decideReport, type Report } from '#src/domain/report.ts'
import {
  type Acknowledgement,
  assertNewestLease,
  decideAcknowledgement,
  decideAttach,
  decideDelivery,
  decideDisconnect,
  decideMessage,
  decideOverdue,
  decideRestore,
} from '#src/domain/runtime.ts'
import type { SignalOutcome, SignalRecord } from '#src/domain/signal.ts'
import type { Writes } from './write-batch.ts'

type WriteContext = { writes: Writes }
export type AgentTarget = { project_id: string; agent_id: string; actor: Actor }
/** A link says which lease it holds: whatever comes with an older one than the agent's is refused (`replaced`). */
export type LinkTarget = AgentTarget & { lease: number }

/** Protocol `attach`. `replica`: the process that holds the link. Refuses with `not_found`, `agent_terminated`. */
export function attachAgent(
  { writes }: WriteContext,
  target: AgentTarget,
  replica: string,
): Promise<AgentState> {
  return writes.submit({ ...target, decide: (agent, { now }) => decideAttach(agent, replica, now) })
}

/** A link of this process is there after all, although it was taken for lost. Returns the agent's lease by now. */
export async function restoreLink(
  { writes }: WriteContext,
  { lease, ...target }: LinkTarget,
  replica: string,
): Promise<AgentState> {
  return writes.submit({
    ...target,
    decide: (agent, { now }) => decideRestore(agent, { lease, replica }, now),
  })
}

/** A link has ended: by its runtime, by its socket, or with its process. Changes nothing where it is not current. */
export function disconnectAgent(
  { writes }: WriteContext,
  target: AgentTarget,
  ended: { lease: number } | { replica: string },
): Promise<AgentState> {
  return writes.submit({ ...target, decide: (agent, { now }) => decideDisconnect(agent, ended, now) })
}

/** REST: sends the runtime of an agent a message. Refuses with `not_found`, `invalid`, `conflict`. */
export async function sendMessage(
  { writes }: WriteContext,
  target: AgentTarget,
  payload: Record<string, unknown>,
): Promise<SignalRecord> {
  const { agent, decided } = await submitDecision(writes, target, (before, context) => ({
    change: decideMessage(before, payload, context),
  }))
  return { ...decided.change.issued, agent_id: agent.id, seq: agent.seq, traceparent: null }
}

/** Notes deliveries to the runtime: each signal with the number of its attempt. */
export function noteDeliveries(
  { writes }: WriteContext,
  target: Omit<AgentTarget, 'actor'>,
  attempts: ReadonlyMap<string, number>,
): Promise<AgentState> {
  return writes.submit({
    ...target,
    actor: system,
    signal_ids: [...attempts.keys()],
    decide: (agent, { now }, findSignal) => {
      const deliveries = [...attempts].flatMap(([id, attempt]) => {
        const signal = findSignal(id)
        return signal ? [{ signal, attempt }] : []
      })
      return decideDelivery(agent, deliveries, now)
    },
  })
}

/** Tells watchers that a control signal waits for its acknowledgement, once. */
export function noteOverdue(
  { writes }: WriteContext,
  target: Omit<AgentTarget, 'actor'>,
  signal_id: string,
): Promise<AgentState> {
  return writes.submit({
    ...target,
    actor: system,
    signal_ids: [signal_id],
    decide: (agent, { now }, findSignal) => decideOverdue(agent, findSignal(signal_id), now),
  })
}

/** Protocol `ack`. Returns the outcome that the signal has: that of its first acknowledgement. */
export async function acknowledgeSignal(
  { writes }: WriteContext,
  { lease, ...target }: LinkTarget,
  { signal_id, ...acknowledgement }: Acknowledgement & { signal_id: string },
): Promise<SignalOutcome> {
  const { decided } = await submitDecision(
    writes,
    { ...target, signal_ids: [signal_id] },
    (agent, context, find) => {
      assertNewestLease(agent, lease)
      const signal = find(signal_id)
      if (!signal) throw notFound.signal(signal_id)
      return decideAcknowledgement(agent, { signal, ...acknowledgement }, context.now)
    },
  )
  return decided.outcome
}

export type Reported = { agent: AgentState; duplicate: boolean; status_rejected: string | undefined }

/** Protocol `report`. Resolves after the commit. Refuses with `replaced`, or `invalid` where a sum overflows. */
export async function reportAgent(
  { writes }: WriteContext,
  { lease, ...target }: LinkTarget,
  report: Report,
): Promise<Reported> {
  const { agent, decided } = await submitDecision(writes, target, (agent, context) => {
    assertNewestLease(agent, lease)
    return decideReport(agent, report, context)
  })
  return { agent, duplicate: decided.duplicate, status_rejected: decided.status_rejected }
}

type Decide<Decision> = (
  agent: AgentState,
  context: DecisionContext,
  findSignal: (id: string) => SignalRecord | undefined,
) => Decision

/** A change whose decision says more than the agent after it. */
async function submitDecision<Decision extends { change?: Change }>(
  writes: Writes,
  target: AgentTarget & { signal_ids?: readonly string[] },
  decide: Decide<Decision>,
): Promise<{ agent: AgentState; decided: Decision }> {
  let decided: Decision | undefined
  const agent = await writes.submit({
    ...target,
    decide: (...args) => {
      decided = decide(...args)
      return decided.change
    },
  })
  if (!decided) throw new Error('a change was committed without a decision')
  return { agent, decided }
}

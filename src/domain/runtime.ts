import { type AgentState, isControlOpen, type Time } from './agent.ts'
import { type Change, type DecisionContext, type NewSignal, newSignal } from './change.ts'
import { refuse } from './errors.ts'
import { type SignalOutcome, type SignalRecord, toSignal } from './signal.ts'

/** Messages of one agent that wait for its runtime; more are refused, so that none is ever dropped. */
export const MAX_PENDING_MESSAGES = 1_000

/**
 * A runtime links up with its agent (protocol: `attach`): the newest lease wins. Refuses a terminated agent,
 * unless its runtime has yet to be told.
 */
export function decideAttach(agent: AgentState, replica: string, now: Time): Change {
  if (agent.status === 'terminated' && !(agent.control?.kind === 'terminate' && isControlOpen(agent))) {
    throw refuse('agent_terminated', 'Agent is terminated', 'agent_id')
  }
  return {
    agent: { ...connected(agent, replica, now), lease: agent.lease + 1 },
    event: { name: 'agent.runtime_connected' },
  }
}

/** A link that was taken for lost is there after all; undefined where it is not lost, or was replaced. */
export function decideRestore(
  agent: AgentState,
  { lease, replica }: { lease: number; replica: string },
  now: Time,
): Change | undefined {
  if (agent.lease !== lease || agent.runtime_connected) return undefined
  return { agent: connected(agent, replica, now), event: { name: 'agent.runtime_connected' } }
}

function connected(agent: AgentState, replica: string, now: Time): AgentState {
  return { ...agent, runtime_connected: true, runtime_since: now, runtime_replica: replica }
}

/** A link has ended; undefined where another has taken its place, or it is known already. */
export function decideDisconnect(
  agent: AgentState,
  ended: { lease: number } | { replica: string },
  now: Time,
): Change | undefined {
  const same = 'lease' in ended ? agent.lease === ended.lease : agent.runtime_replica === ended.replica
  if (!same || !agent.runtime_connected) return undefined
  return {
    agent: { ...agent, runtime_connected: false, runtime_since: now, runtime_replica: null },
    event: { name: 'agent.runtime_disconnected' },
  }
}

/** Only the newest link may speak for its agent. */
export function assertNewestLease(agent: AgentState, lease: number): void {
  if (agent.lease !== lease)
    throw refuse('replaced', 'A newer link has taken the place of this one', 'agent_id')
}

/** Sends a runtime a message (REST contract: `POST …/signals`). Refuses a terminated agent, and one with too many. */
export function decideMessage(
  agent: AgentState,
  payload: Record<string, unknown>,
  context: DecisionContext,
): Change & { issued: NewSignal } {
  if (agent.status === 'terminated') throw refuse('invalid', 'Agent is terminated', 'status')
  if (agent.pending_messages >= MAX_PENDING_MESSAGES) {
    throw refuse(
      'conflict',
      `Agent has ${MAX_PENDING_MESSAGES} messages that its runtime has yet to acknowledge`,
    )
  }
  const issued = newSignal({ kind: 'message', payload, reason: null }, context)
  return {
    agent: { ...agent, pending_messages: agent.pending_messages + 1 },
    event: { name: 'agent.signal_sent', signal: toSignal({ ...issued, agent_id: agent.id, seq: 0 }) },
    issued,
  }
}

export type Delivery = { signal: SignalRecord; attempt: number }

/** Notes deliveries that have happened. Only that of the newest control signal shows, and only the first time. */
export function decideDelivery(
  agent: AgentState,
  deliveries: readonly Delivery[],
  now: Time,
): Change | undefined {
  const open = deliveries.filter(({ signal }) => signal.outcome === null)
  if (open.length === 0) return undefined
  const signals = open.map(({ signal, attempt }) => ({
    ...signal,
    attempt: Math.max(attempt, signal.attempt),
    delivered_at: signal.delivered_at ?? now,
  }))
  const { control } = agent
  const shows = control?.state === 'pending' && signals.some(({ id }) => id === control.signal_id)
  if (!shows) return { agent, signals }
  return {
    agent: { ...agent, control: { ...control, state: 'delivered' } },
    event: { name: 'agent.updated' },
    signals,
  }
}

/** A live runtime has let a control signal wait for too long: watchers are told, once for each signal. */
export function decideOverdue(
  agent: AgentState,
  signal: SignalRecord | undefined,
  now: Time,
): Change | undefined {
  if (!signal || signal.kind === 'message' || signal.outcome !== null || signal.overdue_at !== null) {
    return undefined
  }
  return { agent, event: { name: 'agent.signal_overdue' }, signals: [{ ...signal, overdue_at: now }] }
}

export type Acknowledgement = { outcome: 'done' | 'failed'; detail: string | null }

/** A runtime acknowledges a signal. One that has an outcome already keeps it: then there is no change. */
export function decideAcknowledgement(
  agent: AgentState,
  { signal, outcome, detail }: Acknowledgement & { signal: SignalRecord },
  now: Time,
): { outcome: SignalOutcome; change?: Change } {
  if (signal.outcome !== null) return { outcome: signal.outcome }
  const acknowledged: SignalRecord = {
    ...signal,
    outcome,
    detail,
    acknowledged_at: now,
    attempt: Math.max(1, signal.attempt),
    delivered_at: signal.delivered_at ?? now,
  }
  const { control } = agent
  const after: Partial<AgentState> =
    signal.kind === 'message'
      ? { pending_messages: agent.pending_messages - 1 }
      : control?.signal_id === signal.id
        ? { control: { ...control, state: outcome, acknowledged_at: now } }
        : {}
  return {
    outcome,
    change: {
      agent: { ...agent, ...after },
      event: { name: 'agent.signal_acknowledged', signal: toSignal(acknowledged) },
      signals: [acknowledged],
    },
  }
}

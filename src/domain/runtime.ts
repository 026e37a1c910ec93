import type { AgentState } from './agent.ts'
import { type Change, type DecisionContext, type NewSignal, newSignal } from './change.ts'
import { type Control, isControlOpen } from './control.ts'
import { refuse } from './errors.ts'
import { isControl, type SignalOutcome, type SignalRecord, toSignal } from './signal.ts'
import type { Time } from './time.ts'

/** Unacknowledged messages of one agent; one more is refused, so that none is ever dropped. */
export const MAX_PENDING_MESSAGES = 1_000

/** A signal that its runtime has not acknowledged for this long is delivered again, and is overdue if it is an order. */
export const RESEND_MS = 30_000

/** `replica`: the process that holds the link. The rest is what the runtime says of itself. */
export type Attaching = {
  replica: string
  capabilities?: string[] | undefined
  client?: string | null | undefined
}

/**
 * Links a runtime to its agent (protocol: `attach`); the newest lease wins. Refuses a terminated agent unless its runtime
 * has yet to acknowledge the terminate or an answer.
 */
export function decideAttach(
  agent: AgentState,
  { replica, capabilities = [], client = null }: Attaching,
  now: Time,
): Change {
  const isAwaited = agent.control?.kind === 'terminate' && isControlOpen(agent)
  if (agent.status === 'terminated' && !isAwaited && agent.pending_answers === 0) {
    throw refuse('agent_terminated', 'Agent is terminated', 'agent_id')
  }
  return {
    agent: { ...connected(agent, replica, now), lease: agent.lease + 1, capabilities, client },
    event: { name: 'agent.runtime_connected' },
  }
}

/** Restores a link that was wrongly declared lost; undefined if it is not lost or was replaced. */
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

/** Ends a link; undefined if a newer one has replaced it or the end is known. */
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

/** Without a lease, the runtime speaks HTTP: it holds no link that a newer one could replace. */
export function assertNewestLease(agent: AgentState, lease: number | undefined): void {
  if (lease !== undefined && agent.lease !== lease)
    throw refuse('replaced', 'A newer link has replaced this one', 'agent_id')
}

/** Sends a runtime a message (REST contract: `POST …/signals`). Refuses a terminated agent, and one with too many messages. */
export function decideMessage(
  agent: AgentState,
  payload: Record<string, unknown>,
  context: DecisionContext,
): Change & { issued: NewSignal } {
  if (agent.status === 'terminated') throw refuse('invalid', 'Agent is terminated', 'status')
  if (agent.pending_messages >= MAX_PENDING_MESSAGES) {
    throw refuse(
      'conflict',
      `Agent has ${MAX_PENDING_MESSAGES} unacknowledged messages: wait until its runtime acknowledges some`,
    )
  }
  const issued = newSignal({ kind: 'message', payload, reason: null, mode: null }, context)
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

/** Whether a signal may be delivered over HTTP: it is open, and its last delivery there is RESEND_MS ago. */
export function isFetchable({ outcome, fetched_at }: SignalRecord, now: Time): boolean {
  return outcome === null && (fetched_at === null || msUntilRefetch(fetched_at, now) <= 0)
}

/** How long a signal that was fetched stays with the runtime that has fetched it. */
export function msUntilRefetch(fetched_at: Time, now: Time): number {
  return Date.parse(fetched_at) + RESEND_MS - Date.parse(now)
}

export type Fetch = { signal?: SignalRecord; change?: Change }

/** Delivers a signal over HTTP; nothing if another call has it, or it has ended. A second delivery makes an order overdue. */
export function decideFetch(agent: AgentState, signal: SignalRecord | undefined, now: Time): Fetch {
  if (!signal || !isFetchable(signal, now)) return {}
  const attempt = signal.attempt + 1
  const change = decideDelivery(agent, [{ signal: { ...signal, fetched_at: now }, attempt }], now)
  const [fetched] = change?.signals ?? []
  if (!change || !fetched) return {}
  const overdue = signal.fetched_at === null ? undefined : decideOverdue(change.agent, fetched, now)
  return { signal: fetched, change: overdue ?? change }
}

/** Tells watchers, once for each signal, that a live runtime has not acknowledged a control signal in time. */
export function decideOverdue(
  agent: AgentState,
  signal: SignalRecord | undefined,
  now: Time,
): Change | undefined {
  if (!signal || !isControl(signal.kind) || signal.outcome !== null || signal.overdue_at !== null) {
    return undefined
  }
  return { agent, event: { name: 'agent.signal_overdue' }, signals: [{ ...signal, overdue_at: now }] }
}

export type Acknowledgement = { outcome: 'done' | 'failed'; detail: string | null }

/** Acknowledges a signal. A signal that has an outcome keeps it, and nothing changes. */
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
  return {
    outcome,
    change: {
      agent: afterAcknowledgement(agent, signal, { state: outcome, acknowledged_at: now }),
      event: { name: 'agent.signal_acknowledged', signal: toSignal(acknowledged) },
      signals: [acknowledged],
    },
  }
}

function afterAcknowledgement(
  agent: AgentState,
  { id, kind }: SignalRecord,
  acknowledged: Pick<Control, 'state' | 'acknowledged_at'>,
): AgentState {
  if (kind === 'message') return { ...agent, pending_messages: agent.pending_messages - 1 }
  if (kind === 'answer') return { ...agent, pending_answers: agent.pending_answers - 1 }
  const { control } = agent
  if (control?.signal_id !== id) return agent
  return { ...agent, control: { ...control, ...acknowledged } }
}

import { type Actor, system } from '#src/domain/actor.ts'
import type { AgentState } from '#src/domain/agent.ts'
import { notFound, SignalboxError } from '#src/domain/errors.ts'
import { decideFound, type NewAgent, type Registration, toSpawnInput } from '#src/domain/registration.ts'
import { decideReport, type Report } from '#src/domain/report.ts'
import type { NumberRanges } from '#src/domain/report-numbers.ts'
import type { OpenRequest } from '#src/domain/request.ts'
import {
  type Acknowledgement,
  type Attaching,
  assertNewestLease,
  decideAcknowledgement,
  decideAttach,
  decideDelivery,
  decideDisconnect,
  decideFetch,
  decideMessage,
  decideOverdue,
  decideRestore,
  msUntilRefetch,
  RESEND_MS,
} from '#src/domain/runtime.ts'
import type { SignalOutcome, SignalRecord } from '#src/domain/signal.ts'
import { decideSpawn } from '#src/domain/spawn.ts'
import { addSeconds } from '#src/domain/time.ts'
import type { AgentTypeKey } from '#src/store/agent-types.ts'
import { findNextSignal, listOverdueFetches } from '#src/store/signals.ts'
import type { ByProject } from './by-project.ts'
import type { CommandContext } from './context.ts'
import { submitDecision } from './submit-decision.ts'
import type { RegisterRequest, WriteRequest, Writes } from './write-batch.ts'

type WriteContext = { writes: Writes }
export type AgentTarget = { project_id: string; agent_id: string; actor: Actor }
/** The lease that a link holds. A command with a lease older than the agent's is refused with `replaced`. */
export type LinkTarget = AgentTarget & { lease: number }
/** A runtime that speaks HTTP holds no lease. */
export type RuntimeTarget = AgentTarget & { lease?: number | undefined }

export type Attached = { agent: AgentState; open_requests: readonly OpenRequest[] }

/** Protocol `attach`. Refuses with `not_found`, `agent_terminated`. */
export function attachAgent(
  { writes }: WriteContext,
  target: AgentTarget,
  attaching: Attaching,
): Promise<Attached> {
  return submitAttach(writes, { ...target, decide: (agent, { now }) => decideAttach(agent, attaching, now) })
}

async function submitAttach(writes: Writes, request: WriteRequest): Promise<Attached> {
  let open_requests: readonly OpenRequest[] = []
  const listOpen = (listed: readonly OpenRequest[]) => {
    open_requests = listed
  }
  return { agent: await writes.submit({ ...request, listOpen }), open_requests }
}

export type Registering = NewAgent & {
  agent_type: AgentTypeKey
  runtime: Attaching
  /** Refuses an agent that has the name, and that the principal does not reach. */
  reach: (holder: AgentState) => void
  /** Told what the register comes to; a transaction that is repeated calls it again. May refuse. */
  onDecided: (agent_id: string, registered: Registration) => void
}

/** Protocol `register`. Refuses with `not_found`, `forbidden`, `invalid`, `conflict`, `agent_terminated`. */
export function registerAgent(
  { writes }: WriteContext,
  target: Omit<AgentTarget, 'agent_id'>,
  { agent_type, runtime, reach, onDecided, ...input }: Registering,
): Promise<Attached> {
  const { external_id, parent_id, labels } = input
  const register: RegisterRequest = {
    ...target,
    agent_type,
    external_id,
    parent_id,
    decide_found(holder, context) {
      if (!holder) return undefined
      reach(holder)
      const found = decideFound(holder, { ...runtime, labels }, context)
      if (found) onDecided(holder.id, 'found')
      return found
    },
    decide_spawn(parents, context) {
      const spawned = decideSpawn(toSpawnInput(input), parents, { ...context, type_field: 'agent_type' })
      onDecided(spawned.agent.id, 'created')
      return spawned
    },
    decide_attach: (spawned, now) => decideAttach(spawned, runtime, now),
  }
  return submitAttach(writes, register)
}

/** Restores a link of this process that another replica declared lost. Returns the agent with its current lease. */
export async function restoreLink(
  { writes }: WriteContext,
  { lease, ...target }: LinkTarget,
  replica: string,
): Promise<AgentState> {
  return writes.submit({
    ...target,
    ignores_memory: true,
    decide: (agent, { now }) => decideRestore(agent, { lease, replica }, now),
  })
}

/** Ends a link whose runtime detached, or whose socket or process ended. Changes nothing if the link is not current. */
export function disconnectAgent(
  { writes }: WriteContext,
  target: AgentTarget,
  ended: { lease: number } | { replica: string },
): Promise<AgentState> {
  return writes.submit({
    ...target,
    ignores_memory: true,
    decide: (agent, { now }) => decideDisconnect(agent, ended, now),
  })
}

/** REST: sends the runtime of an agent a message. Refuses with `not_found`, `invalid`, `conflict`. */
export async function sendMessage(
  { writes }: WriteContext,
  target: AgentTarget,
  payload: Record<string, unknown>,
): Promise<SignalRecord> {
  const { agent, decided } = await submitDecision(
    writes,
    { ...target, ignores_memory: true },
    (before, context) => ({
      change: decideMessage(before, payload, context),
    }),
  )
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
    ignores_memory: true,
    signal_ids: [...attempts.keys()],
    decide: (agent, { now }, find) => {
      const deliveries = [...attempts].flatMap(([id, attempt]) => {
        const signal = find.signal(id)
        return signal ? [{ signal, attempt }] : []
      })
      return decideDelivery(agent, deliveries, now)
    },
  })
}

/** Emits, once a signal, the event that a control signal waits for its acknowledgement. */
export function noteOverdue(
  { writes }: WriteContext,
  target: Omit<AgentTarget, 'actor'>,
  signal_id: string,
): Promise<AgentState> {
  return writes.submit({
    ...target,
    actor: system,
    ignores_memory: true,
    signal_ids: [signal_id],
    decide: (agent, { now }, find) => decideOverdue(agent, find.signal(signal_id), now),
  })
}

/**
 * REST `next_signal`: the oldest open signal that nobody has fetched for RESEND_MS, which counts as delivered now. Without one,
 * `due_ms` says when there will be one, if nothing new comes. Refuses with `not_found`.
 */
export async function fetchSignal(
  { writes, database, clock }: Pick<CommandContext, 'writes' | 'database' | 'clock'>,
  target: Omit<AgentTarget, 'actor'>,
): Promise<{ signal: SignalRecord } | { due_ms: number | undefined }> {
  // A call that loses a signal to another call looks for the next one.
  for (;;) {
    const now = clock()
    const next = await findNextSignal(database, target, addSeconds(now, -RESEND_MS / 1000))
    if (!next) throw notFound.agent(target.agent_id, target.project_id)
    const { id, fetched_at } = next
    const due_ms = fetched_at === null ? 0 : msUntilRefetch(fetched_at, now)
    if (id === null || due_ms > 0) return { due_ms: id === null ? undefined : due_ms }
    const { decided } = await submitDecision(
      writes,
      { ...target, actor: system, ignores_memory: true, signal_ids: [id] },
      (agent, context, find) => decideFetch(agent, find.signal(id), context.now),
    )
    if (decided.signal) return { signal: decided.signal }
  }
}

/**
 * Emits the events that orders are overdue which were fetched over HTTP, except in projects that are held up. Returns how many
 * were due, at most `limit`.
 */
export async function noteFetchesOverdue(
  { writes, database }: Pick<CommandContext, 'writes' | 'database'>,
  turns: ByProject,
  limit: number,
): Promise<number> {
  const due = await listOverdueFetches(database, { limit, except: turns.heldUp, seconds: RESEND_MS / 1000 })
  await turns.run(due, ({ id, ...target }) =>
    noteOverdue({ writes }, target, id).catch((error: unknown) => {
      // The agent was deleted since it was listed.
      if (!(error instanceof SignalboxError)) throw error
    }),
  )
  return due.length
}

/** Protocol and REST `ack`. Returns the outcome of the signal's first acknowledgement. */
export async function acknowledgeSignal(
  { writes }: WriteContext,
  { lease, ...target }: RuntimeTarget,
  { signal_id, ...acknowledgement }: Acknowledgement & { signal_id: string },
): Promise<SignalOutcome> {
  const { decided } = await submitDecision(
    writes,
    { ...target, signal_ids: [signal_id], ignores_memory: true },
    (agent, context, find) => {
      assertNewestLease(agent, lease)
      const signal = find.signal(signal_id)
      if (!signal) throw notFound.signal(signal_id)
      return decideAcknowledgement(agent, { signal, ...acknowledgement }, context.now)
    },
  )
  return decided.outcome
}

export type Reported = { agent: AgentState; duplicate: boolean; status_rejected: string | undefined }

/**
 * Protocol and REST `report`. Resolves after the commit. Refuses with `replaced`, or `invalid` where a sum overflows. `said`:
 * the numbers that the link has not had applied, as they are when it is decided.
 */
export async function reportAgent(
  { writes }: WriteContext,
  { lease, ...target }: RuntimeTarget,
  { report, said = () => [] }: { report: Report; said?: () => NumberRanges },
): Promise<Reported> {
  const ignores_memory = report.short_term_memory === undefined
  const { agent, decided } = await submitDecision(
    writes,
    { ...target, ignores_memory, spends: report.usage !== undefined },
    (agent, context) => {
      assertNewestLease(agent, lease)
      return decideReport(agent, report, context, said())
    },
  )
  return { agent, duplicate: decided.duplicate, status_rejected: decided.status_rejected }
}

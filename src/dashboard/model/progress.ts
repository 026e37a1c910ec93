import { actionRow } from '#src/domain/actions.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { AgentStatus } from '#src/domain/lifecycle.ts'
import { actionOf } from './reach.ts'
import { firstAsked, wasLostAtWork } from './recollection.ts'

export type Progress = 'sending' | 'sent' | 'received' | 'done' | 'failed' | 'overdue'

/**
 * A connected runtime that has had a signal for this long is overdue; the server's `agent.signal_overdue` agrees. A runtime that
 * was never connected has fetched it over HTTP.
 */
export const OVERDUE_MS = 30_000

const progressOf = { pending: 'sent', delivered: 'received', done: 'done', failed: 'failed' } as const

type Commanded = Pick<AgentSummary, 'control' | 'runtime'>
type Ordered = Commanded & Pick<AgentSummary, 'status' | 'current_task'>

/** How far the newest command of an agent has come; `now` is in milliseconds since 1970. */
export function progress(agent: Commanded, now: number): Progress | undefined {
  const { control } = agent
  if (!control) return undefined
  const first = firstAsked(agent)
  // A terminate after a pause that was not obeyed has its own time.
  const sentAt = first?.kind === control.kind ? first.at : Date.parse(control.requested_at)
  const isLate = overdueFrom(agent) !== undefined && now > sentAt + OVERDUE_MS
  return isLate ? 'overdue' : progressOf[control.state]
}

/**
 * When the command of an agent is overdue, perhaps in the future; undefined if it will not be. A command that is sent again
 * counts from when it was first asked for.
 */
export function overdueFrom(agent: Commanded): number | undefined {
  const { control } = agent
  if (!control || !isThere(agent)) return undefined
  const first = firstAsked(agent)
  const isAwaited = control.state === 'delivered' || (control.state === 'pending' && first !== undefined)
  return isAwaited ? (first?.at ?? Date.parse(control.requested_at)) + OVERDUE_MS : undefined
}

/** It is connected, or speaks HTTP. */
export function isThere({ runtime }: Pick<AgentSummary, 'runtime'>): boolean {
  return runtime.connected || runtime.since === null
}

type UnsettledStatus = 'resuming' | 'pausing' | 'stopping'
export type ShownStatus = AgentStatus | UnsettledStatus | 'lost'

/** What an agent with this status is called until its runtime has obeyed. */
export const unsettled: Partial<Record<AgentStatus, UnsettledStatus>> = {
  idle: 'resuming',
  paused: 'pausing',
  terminated: 'stopping',
}

/**
 * Its status; `pausing` or `stopping` while its runtime has not stopped, or has failed to: until then it may still work. A
 * resume that is not obeyed yet is `resuming`.
 * `lost` if it was at work, and has no runtime any more.
 */
export function shownStatus(agent: Ordered): ShownStatus {
  const { status, control } = agent
  if (isLost(agent)) return 'lost'
  const action = control && hasNotObeyed(agent) ? actionOf(control.kind) : undefined
  return action && actionRow(action).to === status ? (unsettled[status] ?? status) : status
}

/** Its program has ended by itself: no command has terminated it. */
export function hasEndedItself({ status, control }: Pick<AgentSummary, 'status' | 'control'>): boolean {
  return status === 'terminated' && control?.kind === 'terminate' && control.cause.kind === 'runtime'
}

/** Its runtime is there, and has not done the newest command. A runtime without a connection shows itself when it fetches it. */
function hasNotObeyed({ control, runtime }: Commanded): boolean {
  if (!control || control.state === 'done') return false
  return runtime.connected || (runtime.since === null && control.state !== 'pending')
}

/** It counts as terminated, and its runtime has not ended yet. */
export function isStopping(agent: Ordered): boolean {
  return shownStatus(agent) === 'stopping'
}

/** It is terminated, and nothing of it runs any more. */
export function isEnded(agent: Ordered): boolean {
  return agent.status === 'terminated' && !isStopping(agent)
}

/** Its runtime was lost while it was at work, and is not back. A terminated agent has no need of one. */
export function isLost(agent: Ordered): boolean {
  const { status, runtime } = agent
  if (status === 'terminated' || runtime.connected || runtime.since === null) return false
  return isAtWork(agent) || lostBefore(agent) !== undefined
}

export function isAtWork({ status }: Pick<AgentSummary, 'status'>): boolean {
  return status === 'working' || status === 'waiting'
}

/**
 * What the newest command of an agent without a runtime says of the loss: the runtime went before it confirmed the command, or
 * was gone before, in the middle of work. Undefined for an agent that was at rest, whose runtime may have left in order.
 */
export function lostBefore(agent: Ordered): 'confirmed' | 'received' | undefined {
  const { control, runtime, current_task } = agent
  if (!control || control.state === 'done' || runtime.since === null) return undefined
  if (control.requested_at <= runtime.since) return 'confirmed'
  // A runtime that ends in order leaves no task.
  return current_task !== null || wasLostAtWork(agent) ? 'received' : undefined
}

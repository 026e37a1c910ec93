import { actionRow } from '#src/domain/actions.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { Control } from '#src/domain/control.ts'
import type { AgentStatus } from '#src/domain/lifecycle.ts'
import { actionOf } from './reach.ts'

export type Progress = 'sending' | 'sent' | 'received' | 'done' | 'failed' | 'overdue'

/**
 * A connected runtime that has had a signal for this long is overdue; the server's `agent.signal_overdue` agrees. A runtime that
 * was never connected has fetched it over HTTP.
 */
export const OVERDUE_MS = 30_000

const progressOf = { pending: 'sent', delivered: 'received', done: 'done', failed: 'failed' } as const

/** How far the newest command of an agent has come; `now` is in milliseconds since 1970. */
export function progress(
  control: Control,
  { runtime }: Pick<AgentSummary, 'runtime'>,
  now: number,
): Progress {
  const isLate = now - Date.parse(control.requested_at) > OVERDUE_MS
  if (control.state === 'delivered' && isThere({ runtime }) && isLate) return 'overdue'
  return progressOf[control.state]
}

/** It is connected, or speaks HTTP. */
export function isThere({ runtime }: Pick<AgentSummary, 'runtime'>): boolean {
  return runtime.connected || runtime.since === null
}

export type ShownStatus = AgentStatus | 'pausing' | 'stopping' | 'lost'

/** The status that an agent has only on paper, and what is so until its runtime says more. */
export const unsettled: Record<AgentStatus, ShownStatus | undefined> = {
  idle: undefined,
  working: 'lost',
  waiting: 'lost',
  paused: 'pausing',
  terminated: 'stopping',
}

/**
 * Its status; `pausing` or `stopping` while its runtime has not stopped, or has failed to: until then it may still work.
 * `lost` if it counts as at work, and has no runtime any more.
 */
export function shownStatus(agent: Pick<AgentSummary, 'status' | 'control' | 'runtime'>): ShownStatus {
  const { status, control, runtime } = agent
  if (isLost(agent)) return 'lost'
  const isOpen = control !== null && control.state !== 'done' && runtime.connected
  const action = isOpen ? actionOf(control.kind) : undefined
  return action && actionRow(action).to === status ? (unsettled[status] ?? status) : status
}

/** Its program has ended by itself: no command has terminated it. */
export function hasEndedItself({ status, control }: Pick<AgentSummary, 'status' | 'control'>): boolean {
  return status === 'terminated' && control?.kind === 'terminate' && control.cause.kind === 'runtime'
}

/** It counts as at work, and has no runtime any more. */
export function isLost({ status, runtime }: Pick<AgentSummary, 'status' | 'runtime'>): boolean {
  return (status === 'working' || status === 'waiting') && runtime.since !== null && !runtime.connected
}

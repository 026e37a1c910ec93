import { signal } from '@preact/signals'
import type { BulkResult } from '#src/client/rest.ts'
import type { ActionName } from '#src/domain/actions.ts'
import type { AgentSummary, Control } from '#src/domain/agent.ts'
import { say } from './notices.ts'
import type { World } from './world.ts'

export type Order = { action: ActionName; reason?: string | undefined; resume_after?: number | undefined }
export type Targets = { project_id: string; ids: readonly string[] } | { project_id: string; all: true }

/** As many the server takes in one request. */
const MAX_IDS = 1_000

/** Orders that are on their way to the server, by agent: from the click to the answer. */
export const underWay = signal<ReadonlyMap<string, ActionName>>(new Map())

const done = { pause: 'paused', resume: 'resumed', terminate: 'terminated' } as const

/** Asks, and tells what came of it; of a single agent its row tells. Resolves with whether it was accepted. */
export async function order(world: World, targets: Targets, { action, ...given }: Order): Promise<boolean> {
  const ids = 'ids' in targets ? targets.ids : []
  mark(ids, action)
  try {
    const details = { reason: given.reason || undefined, resume_after: given.resume_after }
    if (ids.length === 1) await sendOne(world, { ...targets, id: ids[0] ?? '' }, { action, ...details })
    else tell(action, await send(world, targets, { action, ...details }))
    return true
  } catch (error) {
    say('problem', `Could not ${action}: ${error instanceof Error ? error.message : error}`)
    return false
  } finally {
    mark(ids, undefined)
  }
}

function sendOne(
  { api: { agents } }: World,
  { project_id, id }: { project_id: string; id: string },
  { action, reason, resume_after }: Order,
): Promise<unknown> {
  if (action === 'pause') return agents.pause(project_id, id, { reason, resume_after })
  return agents[action](project_id, id, { reason })
}

async function send(world: World, targets: Targets, body: Order): Promise<BulkResult[]> {
  const { agents } = world.api
  if ('all' in targets) return [await agents.actOnMany(targets.project_id, { ...body, all: true })]
  const results: BulkResult[] = []
  for (let from = 0; from < targets.ids.length; from += MAX_IDS) {
    const ids = targets.ids.slice(from, from + MAX_IDS)
    results.push(await agents.actOnMany(targets.project_id, { ...body, ids }))
  }
  return results
}

function tell(action: ActionName, results: readonly BulkResult[]): void {
  const affected = results.reduce((sum, { affected_count }) => sum + affected_count, 0)
  const skipped = results.flatMap((result) => result.skipped)
  const reasons = new Map<string, number>()
  for (const { message } of skipped) reasons.set(message, (reasons.get(message) ?? 0) + 1)
  const left = [...reasons].map(([message, count]) => `${count} skipped: ${message}`)
  const text = [`${affected.toLocaleString()} ${done[action]}`, ...left].join(' · ')
  say(affected === 0 ? 'problem' : 'done', text)
}

function mark(ids: readonly string[], action: ActionName | undefined): void {
  const next = new Map(underWay.peek())
  for (const id of ids) {
    if (action) next.set(id, action)
    else next.delete(id)
  }
  underWay.value = next
}

export type Progress = 'asking' | 'asked' | 'delivered' | 'done' | 'failed' | 'overdue'

/** A live runtime that has had a signal for so long is late; the server says the same in `agent.signal_overdue`. */
const OVERDUE_MS = 30_000

const progressOf = { pending: 'asked', delivered: 'delivered', done: 'done', failed: 'failed' } as const

/** How far the newest order of an agent has come; `now` in milliseconds since 1970. */
export function progress(
  control: Control,
  { runtime }: Pick<AgentSummary, 'runtime'>,
  now: number,
): Progress {
  const isLate = now - Date.parse(control.requested_at) > OVERDUE_MS
  if (control.state === 'delivered' && runtime.connected && isLate) return 'overdue'
  return progressOf[control.state]
}

/** What can be asked of an agent as it is. */
export function possible({ status }: Pick<AgentSummary, 'status'>): Record<ActionName, boolean> {
  const isOver = status === 'terminated'
  return { pause: !isOver && status !== 'paused', resume: status === 'paused', terminate: !isOver }
}

import { signal } from '@preact/signals'
import { ApiError, type BulkResult } from '#src/client/rest/rest.ts'
import { type ActionName, actionRow, type Mode, statusRefusing } from '#src/domain/actions.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { AppState } from './app-state.ts'
import { formatCount, plural } from './format.ts'
import { links } from './links.ts'
import { say } from './notices.ts'
import { shownStatus, unsettled } from './progress.ts'

export type Order = {
  action: ActionName
  reason?: string | undefined
  resume_after?: number | undefined
  /** Undefined: the action's default. */
  mode?: Mode | undefined
  /** False: without the descendants. */
  cascade?: false | undefined
  /** Also sends it once more to agents that have taken it, but whose runtimes have not done it. */
  again?: true | undefined
}
export type Targets = { project_id: string; ids: readonly string[] } | { project_id: string; all: true }

/** The server takes at most this many ids in one request. */
const MAX_IDS = 1_000

/** Commands on their way to the server, by agent: from the click to the answer. */
export const underWay = signal<ReadonlyMap<string, ActionName>>(new Map())

/**
 * Sends a command and shows the server's answer; for a single agent its row shows it. Resolves with whether the server
 * accepted the command.
 */
export async function order(app: AppState, targets: Targets, order: Order): Promise<boolean> {
  const ids = 'ids' in targets ? targets.ids : []
  const { action, again } = order
  mark(ids, action)
  try {
    const body = { ...order, reason: order.reason || undefined }
    if (ids.length === 1) await sendOne(app, { ...targets, id: ids[0] ?? '' }, body)
    else {
      const agents = app.live(targets.project_id)?.agents
      const answer = describeAnswer(action, await send(app, targets, body), {
        // To all, it goes mostly to agents that have not been asked yet.
        again: again && 'ids' in targets,
        agents,
      })
      say(answer.kind, answer.text)
    }
    return true
  } catch (error) {
    const link = ids.length === 1 && ids[0] ? links.agent(targets.project_id, ids[0]) : undefined
    say('problem', describeFailure(error, action, nameOf(app, targets)), link)
    return false
  } finally {
    mark(ids, undefined)
  }
}

/** One agent accepts an order once more without being asked to. */
function sendOne(
  { api: { agents } }: AppState,
  { project_id, id }: { project_id: string; id: string },
  { action, again: _, ...details }: Order,
): Promise<unknown> {
  if (action !== 'terminate') return agents[action](project_id, id, details)
  const { reason, ...query } = details
  return agents.terminate(project_id, id, { reason }, query)
}

async function send(app: AppState, targets: Targets, body: Order): Promise<BulkResult[]> {
  const { agents } = app.api
  if ('all' in targets) return [await agents.actOnMany(targets.project_id, { ...body, all: true })]
  const results: BulkResult[] = []
  for (let from = 0; from < targets.ids.length; from += MAX_IDS) {
    const ids = targets.ids.slice(from, from + MAX_IDS)
    results.push(await agents.actOnMany(targets.project_id, { ...body, ids }))
  }
  return results
}

/** "Agent 1", "12 agents" or "all agents". */
function nameOf(app: AppState, targets: Targets): string {
  if ('all' in targets) return 'all agents'
  const [id = ''] = targets.ids
  if (targets.ids.length > 1) return plural(targets.ids.length, 'agent')
  return app.live(targets.project_id)?.agents.get(id)?.name ?? 'the agent'
}

export function describeFailure(error: unknown, action: string, name: string): string {
  const message = error instanceof Error ? error.message : String(error)
  const isUnreachable = error instanceof ApiError && error.code === 'unreachable'
  return `Couldn't ${action} ${name}: ${isUnreachable ? 'no connection to the server' : message}.`
}

type Circumstances = {
  again?: boolean | undefined
  /** As the page has them: of those that were skipped, some have their status only on paper. */
  agents?: ReadonlyMap<string, AgentSummary> | undefined
}

/** What the server has accepted, which the runtimes have not done yet, and what it has skipped, with the reason. */
export function describeAnswer(
  action: ActionName,
  results: readonly BulkResult[],
  { again, agents }: Circumstances = {},
): { kind: 'sent' | 'partial' | 'problem'; text: string } {
  const affected = results.reduce((sum, { affected_count }) => sum + affected_count, 0)
  const reasons = new Map<string, number>()
  for (const skipped of results.flatMap(({ skipped }) => skipped)) {
    const reason = unsettledIn(agents?.get(skipped.id)) ?? skipped.message
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  }
  const left = [...reasons].map(([reason, count]) => describeSkipped(action, count, reason))
  const text = [
    `${actionRow(action).verb} sent ${again ? 'again ' : ''}to ${plural(affected, 'agent')}.`,
    ...left,
  ].join(' ')
  return { kind: affected === 0 ? 'problem' : left.length > 0 ? 'partial' : 'sent', text }
}

/** What the agent is on its way to, while it only counts as there. */
function unsettledIn(agent: AgentSummary | undefined): string | undefined {
  const toward = agent && unsettled[agent.status]
  return toward && shownStatus(agent) !== agent.status ? toward : undefined
}

function describeSkipped(action: ActionName, count: number, message: string): string {
  const [is, was] = count === 1 ? ['is', 'was'] : ['are', 'were']
  if (Object.values(unsettled).some((name) => name === message))
    return `${formatCount(count)} ${is} ${message} already.`
  const [, limit] = /^Agent is over its (\w+ limit)$/.exec(message) ?? []
  if (limit) return `${formatCount(count)} ${is} over ${count === 1 ? 'its' : 'their'} ${limit}.`
  const [, stop] = /^Agent is (held: .*|over budget .*)$/s.exec(message) ?? []
  if (stop) return `${formatCount(count)} ${is} ${stop}.`
  const status = statusRefusing(action, message)
  if (!status) return `${formatCount(count)} skipped: ${message}.`
  const { to, only_from } = actionRow(action)
  const isReached = status === to || status === 'terminated'
  return `${formatCount(count)} ${was} ${isReached || !only_from ? `already ${status}` : `not ${only_from}`}.`
}

function mark(ids: readonly string[], action: ActionName | undefined): void {
  const next = new Map(underWay.peek())
  for (const id of ids) {
    if (action) next.set(id, action)
    else next.delete(id)
  }
  underWay.value = next
}

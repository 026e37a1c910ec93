import { signal } from '@preact/signals'
import { ApiError, type BulkResult } from '#src/client/rest/rest.ts'
import { type ActionName, actionRow, type Mode, statusRefusing } from '#src/domain/actions.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { AppState } from './app-state.ts'
import { groupBlocked, MAX_WITH_LIMITS } from './blocks.ts'
import { formatCount, plural } from './format.ts'
import { startLifting } from './lifting.ts'
import { links } from './links.ts'
import { type NoticeAction, say } from './notices.ts'
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
export async function order(app: AppState, targets: Targets, asked: Order): Promise<boolean> {
  const ids = 'ids' in targets ? targets.ids : []
  const { action, again } = asked
  mark(ids, action)
  try {
    const body = { ...asked, reason: asked.reason || undefined }
    if (ids.length === 1) await sendOne(app, { ...targets, id: ids[0] ?? '' }, body)
    else {
      const agents = app.live(targets.project_id)?.agents
      const results = await send(app, targets, body)
      const answer = describeAnswer(action, results, {
        // To all, it goes mostly to agents that have not been asked yet.
        again: again && 'ids' in targets,
        agents,
      })
      say(answer.kind, answer.text, undefined, raising(app, targets, results))
    }
    return true
  } catch (error) {
    const link = ids.length === 1 && ids[0] ? links.agent(targets.project_id, ids[0]) : undefined
    // A stop of all has its dialog still open.
    const retry = { label: 'Retry', run: () => void order(app, targets, asked) }
    const mayRetry = 'ids' in targets && isUnreachable(error)
    say('problem', describeFailure(error, action, nameOf(app, targets)), link, mayRetry ? retry : undefined)
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
  return `Couldn't ${action} ${name}: ${isUnreachable(error) ? 'no connection to the server' : message}.`
}

const isUnreachable = (error: unknown) => error instanceof ApiError && error.code === 'unreachable'

const OVER_LIMIT = /^Agent is over its (\w+ limit)$/

/** Offers to raise the limits of those that were left out for them. */
function raising(
  app: AppState,
  { project_id }: Targets,
  results: readonly BulkResult[],
): NoticeAction | undefined {
  const skipped = results.flatMap((result) => result.skipped)
  const ids = skipped.filter(({ message }) => OVER_LIMIT.test(message)).map(({ id }) => id)
  if (ids.length === 0 || ids.length > MAX_WITH_LIMITS) return undefined
  const run = () => {
    const known = ids.map((id) => app.live(project_id)?.agents.get(id)).filter((agent) => agent !== undefined)
    const [group] = groupBlocked(known, { holds: new Map() }).filter(({ block }) => block.kind === 'limit')
    if (group) startLifting(group.block, group.agents)
    else say('done', 'These agents are within their limits now.')
  }
  return { label: 'Raise limits', run, project_id }
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
    // A hold or a limit says more than that the agent is still pausing.
    const isOfStatus = statusRefusing(action, skipped.message) !== undefined
    const reason = (isOfStatus && unsettledIn(agents?.get(skipped.id))) || skipped.message
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
  const [, limit] = OVER_LIMIT.exec(message) ?? []
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

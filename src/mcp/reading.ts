import * as v from 'valibot'
import { type Agent, type Api, ApiError, type EventFrame, type Project } from '#src/client/rest/rest.ts'
import { errorCodes } from '#src/domain/errors.ts'
import { field } from '#src/protocol/values.ts'
import { MAX_LISTED, MAX_PROJECTS, MAX_SCANNED_EVENTS } from './bounds.ts'
import { findProject } from './references.ts'
import { type agentDetails, holdRow, toAgentDetails, toHoldRow } from './views.ts'

const amount = v.number()

const projectOverview = v.object({
  id: v.string(),
  slug: v.string(),
  name: v.string(),
  by_status: field(v.record(v.string(), amount), 'Agents by status'),
  connected: field(amount, 'Agents with a connected runtime'),
  open_requests: field(amount, 'Questions of agents that wait for an answer'),
  tasks_completed: amount,
  tokens_used: amount,
  cost_incurred: v.string(),
  holds: field(v.array(holdRow), `The holds that stand, newest first, up to ${MAX_LISTED}`),
})

export const overview = v.object({
  projects: v.array(projectOverview),
  more_projects: field(amount, 'Projects that are not listed here; name one to see it'),
})

/** Of one project, or of the first that the caller may read. */
export async function readOverview(
  api: Api,
  project: string | undefined,
): Promise<v.InferOutput<typeof overview>> {
  if (project !== undefined) {
    const one = await api.projects.get(await findProject(api, project))
    return { projects: [await readProject(api, one)], more_projects: 0 }
  }
  const { data, pagination } = await api.projects.list({ page: 1, limit: MAX_PROJECTS })
  const projects = await Promise.all(data.map((one) => readProject(api, one)))
  return { projects, more_projects: pagination.total - data.length }
}

async function readProject(
  api: Api,
  { id, slug, name }: Project,
): Promise<v.InferOutput<typeof projectOverview>> {
  const [metrics, requests, holds] = await Promise.all([
    api.agents.metrics(id),
    api.requests.list(id, { page: 1, limit: 1 }),
    api.holds.list(id, { active: true, page: 1, limit: MAX_LISTED }),
  ])
  return {
    id,
    slug,
    name,
    by_status: metrics.by_status,
    connected: metrics.connected_instances,
    open_requests: requests.pagination.total,
    tasks_completed: metrics.total_tasks_completed,
    tokens_used: metrics.total_tokens_used,
    cost_incurred: metrics.total_cost_incurred,
    holds: holds.data.map(toHoldRow),
  }
}

const NEWEST_SIGNALS = 5

export async function readAgentDetails(
  api: Api,
  agent: Agent,
  with_memory = false,
): Promise<v.InferOutput<typeof agentDetails>> {
  const { data } = await api.signals.list(agent.project_id, agent.id, { page: 1, limit: NEWEST_SIGNALS })
  return toAgentDetails(agent, data, with_memory)
}

/** The number of the newest event of a project. */
export async function readEnd(api: Api, project_id: string): Promise<number> {
  return (await api.events.list(project_id, { limit: 1 })).last_seq
}

type Found = { events: EventFrame[]; last_seq: number }

/** The newest events that fit, oldest first: up to `limit`, of the last thousand. */
export async function readNewestEvents(
  api: Api,
  project_id: string,
  { fits, limit }: { fits: ((event: EventFrame) => boolean) | undefined; limit: number },
): Promise<Found> {
  const end = await readEnd(api, project_id)
  const from = Math.max(0, end - (fits ? MAX_SCANNED_EVENTS : limit))
  const { events, last_seq } = await readTo(api, project_id, { after: from, end })
  return { events: (fits ? events.filter(fits) : events).slice(-limit), last_seq }
}

type Range = { after: number; end: number }

/** An answer of the log ends at some size, so it may take several. Pruned events are left out. */
async function readTo(api: Api, project_id: string, { after, end }: Range): Promise<Found> {
  const events: EventFrame[] = []
  let from: number | undefined = after
  while (from === undefined || from < end) {
    const query: { after?: number; limit: number } = {
      ...(from !== undefined && { after: from }),
      limit: MAX_SCANNED_EVENTS,
    }
    const page = await readPage(api, project_id, query)
    if (page === 'pruned') {
      from = undefined
      continue
    }
    events.push(...page)
    const last = page.at(-1)
    if (!last) break
    from = last.seq
  }
  return { events: events.filter(({ seq }) => seq > after && seq <= end), last_seq: end }
}

async function readPage(
  api: Api,
  project_id: string,
  query: { after?: number; limit: number },
): Promise<EventFrame[] | 'pruned'> {
  try {
    return (await api.events.list(project_id, query)).data
  } catch (error) {
    const isPruned = error instanceof ApiError && error.code === errorCodes.gone
    if (isPruned && query.after !== undefined) return 'pruned'
    throw error
  }
}

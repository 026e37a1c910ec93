import {
  type Agent,
  type AgentType,
  type Api,
  ApiError,
  type InboxRequest,
  type Page,
  type Project,
  type Step,
} from '#src/client/rest/rest.ts'
import { isId } from '#src/domain/id.ts'
import { MAX_LOOKUP_PAGES, MAX_PROJECTS } from './bounds.ts'
import { ToolError } from './failure.ts'

type Walk = { cursor: string; limit: number }
const PAGE = 100

/** The items of a list, up to a bound; `isWhole`: there are no others. */
export async function readSome<Item>(
  list: (query: Walk) => Promise<Page<Item> | Step<Item>>,
  max_pages = MAX_LOOKUP_PAGES,
): Promise<{ items: Item[]; isWhole: boolean }> {
  const items: Item[] = []
  let cursor: string | null = ''
  for (let pages = 0; cursor !== null && pages < max_pages; pages++) {
    const step: Page<Item> | Step<Item> = await list({ cursor, limit: PAGE })
    items.push(...step.data)
    cursor = 'next_cursor' in step ? step.next_cursor : null
  }
  return { items, isWhole: cursor === null }
}

/** The id of a project by id, slug or name; without a reference, the only one that the caller may read. */
export async function findProject(api: Api, reference: string | undefined): Promise<string> {
  if (reference !== undefined && isId(reference)) return reference.toLowerCase()
  const { items } = await readSome<Project>((page) => api.projects.list(page))
  if (reference === undefined) {
    const [only, ...others] = items
    if (only && others.length === 0) return only.id
    throw new ToolError(`Say which project: ${listProjects(items)}`)
  }
  const wanted = reference.normalize('NFC')
  const bySlug = items.find(({ slug }) => slug === reference)
  const byName = items.filter(({ name }) => name === wanted)
  const [found, ...others] = bySlug ? [bySlug] : byName
  if (!found) throw new ToolError(`There is no project "${reference}": ${listProjects(items)}`)
  if (others.length > 0)
    throw new ToolError(`${byName.length} projects are called "${reference}": use a slug`)
  return found.id
}

function listProjects(projects: readonly Project[]): string {
  if (projects.length === 0) return 'you may read none'
  const shown = projects.slice(0, MAX_PROJECTS).map(({ slug }) => slug)
  return `you may read ${shown.join(', ')}${projects.length > shown.length ? ', …' : ''}`
}

/** An agent by id, or by a unique name. Terminated agents count only if no other has the name. */
export async function findAgent(api: Api, project_id: string, reference: string): Promise<Agent> {
  if (isId(reference)) return api.agents.get(project_id, reference)
  const wanted = reference.normalize('NFC')
  const { items, isWhole } = await readSome<Agent>((page) =>
    api.agents.list(project_id, { ...page, q: wanted }),
  )
  const named = items.filter(({ name }) => name === wanted)
  const living = named.filter(({ status }) => status !== 'terminated')
  const [found, ...others] = living.length > 0 ? living : named
  if (!found || (others.length === 0 && !isWhole)) {
    const hint = isWhole ? `see list_agents${nearest(items)}` : 'too many names contain it; use its id'
    throw new ToolError(`There is no agent "${reference}" in the project: ${hint}`)
  }
  if (others.length > 0) {
    const ids = [found, ...others].slice(0, 5).map(({ id }) => id)
    throw new ToolError(`${others.length + 1} agents are called "${reference}": use an id: ${ids.join(', ')}`)
  }
  return found
}

function nearest(agents: readonly Agent[]): string {
  const names = agents.slice(0, 3).map(({ name }) => JSON.stringify(name))
  return names.length > 0 ? `, such as ${names.join(', ')}` : ''
}

/** An agent by its id alone, in whichever project it is. Undefined: in none of the first projects that the caller may read. */
export async function findAgentAnywhere(
  api: Api,
  id: string,
  project: string | undefined,
): Promise<Agent | undefined> {
  const ids =
    project === undefined
      ? (await api.projects.list({ page: 1, limit: MAX_PROJECTS })).data.map((one) => one.id)
      : [await findProject(api, project)]
  for (const project_id of ids) {
    const found = await api.agents.get(project_id, id).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) return undefined
      throw error
    })
    if (found) return found
  }
  return undefined
}

export async function findType(api: Api, reference: string): Promise<string> {
  if (isId(reference)) return reference
  const { items } = await readSome<AgentType>((page) => api.agentTypes.list(page))
  const found = items.find(({ slug, name }) => slug === reference || name === reference)
  if (found) return found.id
  const slugs = items.filter(({ is_active }) => is_active).map(({ slug }) => slug)
  throw new ToolError(`There is no agent type "${reference}": there are ${slugs.slice(0, 20).join(', ')}`)
}

/** An open request by its id, the runtime's id for it, or the name or id of an agent that asks one thing. */
export async function findOpenRequest(
  api: Api,
  reference: string,
  project_id: string | undefined,
): Promise<{ id: string; project_id: string }> {
  if (isId(reference) && project_id !== undefined) {
    const known = await api.requests.get(project_id, reference).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) return undefined
      throw error
    })
    if (known) return known
  }
  const { items, isWhole } = await readSome<InboxRequest>((page) => api.requests.mine(page))
  const wanted = reference.normalize('NFC')
  const inReach = items.filter((request) => project_id === undefined || request.project_id === project_id)
  const byId = inReach.find(({ id }) => id === reference.toLowerCase())
  if (byId) return byId
  const found = inReach.filter(
    ({ request_id, agent_name, agent_id }) =>
      request_id === reference || agent_name === wanted || agent_id === reference.toLowerCase(),
  )
  const [only, ...others] = found
  if (only && others.length === 0 && isWhole) return only
  if (others.length > 0 || only) {
    const ids = found.slice(0, 5).map(({ id }) => id)
    throw new ToolError(`${found.length} open requests fit "${reference}": use an id: ${ids.join(', ')}`)
  }
  throw new ToolError(`There is no open request "${reference}": see list_requests`)
}

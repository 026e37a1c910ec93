import { type Agent, type Api, type ApiKey, eachItem, type Project } from '#src/client/rest.ts'
import { CliError } from './failure.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export function isId(reference: string): boolean {
  return uuid.test(reference)
}

/** The id of the project that a command is about: one that is named by id or slug, else the only one there is. */
export async function resolveProject(api: Api, reference: string | undefined): Promise<string> {
  if (reference !== undefined && isId(reference)) return reference
  const projects = await collect(eachItem((page) => api.projects.list(page)))
  if (reference !== undefined) {
    const found = projects.find(({ slug }) => slug === reference)
    if (found) return found.id
    throw new CliError('failed', `There is no project "${reference}" that you may read`, listSlugs(projects))
  }
  const [only, ...others] = projects
  if (only && others.length === 0) return only.id
  throw new CliError('usage', 'Say which project with --project or SIGNALBOX_PROJECT', listSlugs(projects))
}

function listSlugs(projects: readonly Project[]): string {
  if (projects.length === 0) return 'there is none yet; "signalbox projects create" makes one'
  const shown = projects.slice(0, 10).map(({ slug }) => slug)
  return `there ${projects.length === 1 ? 'is' : 'are'} ${shown.join(', ')}${projects.length > 10 ? ', …' : ''}`
}

/** The id of an agent that is named by id, or by its name where only one has it; the living come first. */
export async function resolveAgent(api: Api, project_id: string, reference: string): Promise<string> {
  if (isId(reference)) return reference
  const found: Agent[] = []
  for await (const agent of eachItem((page) => api.agents.list(project_id, { ...page, q: reference }))) {
    if (agent.name === reference) found.push(agent)
  }
  const living = found.filter(({ status }) => status !== 'terminated')
  const [only, ...others] = living.length > 0 ? living : found
  if (!only) {
    const advice = 'see "signalbox agents list"'
    throw new CliError('failed', `There is no agent "${reference}" in the project`, advice)
  }
  if (others.length > 0) {
    const ids = [only, ...others].slice(0, 5).map(({ id }) => id)
    throw new CliError(
      'failed',
      `${others.length + 1} agents are called "${reference}"`,
      `use an id: ${ids.join(', ')}`,
    )
  }
  return only.id
}

export async function resolveType(api: Api, reference: string): Promise<string> {
  if (isId(reference)) return reference
  const types = eachItem((page) => api.agentTypes.list(page))
  for await (const { id, slug } of types) if (slug === reference) return id
  throw new CliError('failed', `There is no agent type "${reference}"`, 'see "signalbox types list"')
}

export async function resolveUser(api: Api, reference: string): Promise<string> {
  if (isId(reference)) return reference
  const wanted = reference.toLowerCase()
  for await (const { id, email } of eachItem((page) => api.users.list(page))) if (email === wanted) return id
  throw new CliError('failed', `There is no user "${reference}"`, 'see "signalbox users list"')
}

export async function resolveKey(api: Api, reference: string): Promise<string> {
  if (isId(reference)) return reference
  const found: ApiKey[] = []
  for await (const key of eachItem((page) => api.keys.list(page))) if (key.name === reference) found.push(key)
  const [only, ...others] = found
  if (only && others.length === 0) return only.id
  const message = only ? `${found.length} keys are called "${reference}"` : `There is no key "${reference}"`
  throw new CliError('failed', message, 'use an id from "signalbox keys list"')
}

/** The id of a webhook that is named by id, or by its URL where only one has it. */
export async function resolveWebhook(api: Api, project_id: string, reference: string): Promise<string> {
  if (isId(reference)) return reference
  const all = await collect(eachItem((page) => api.webhooks.list(project_id, page)))
  const found = all.filter(({ url }) => url === reference)
  const [only, ...others] = found
  if (only && others.length === 0) return only.id
  const message = only ? `${found.length} webhooks have this URL` : 'No webhook of the project has this URL'
  throw new CliError('failed', message, 'use an id from "signalbox webhooks list"')
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

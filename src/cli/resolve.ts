import { type Agent, type Api, eachItem, type Project } from '#src/client/rest/rest.ts'
import { isId } from '#src/domain/id.ts'
import { fold } from '#src/domain/text.ts'
import { CliError } from './failure.ts'

/** The id of the command's project: named by id or slug, else the only one that the user may read. */
export async function resolveProject(api: Api, reference: string | undefined): Promise<string> {
  if (reference !== undefined && isId(reference)) return reference
  const projects = await collect(eachItem((page) => api.projects.list(page)))
  if (reference !== undefined) {
    const project = projects.find(({ slug }) => slug === reference)
    if (project) return project.id
    throw new CliError('failed', `No project "${reference}", or you may not read it`, listSlugs(projects))
  }
  const [only, ...others] = projects
  if (only && others.length === 0) return only.id
  throw new CliError('usage', 'Choose a project with --project or SIGNALBOX_PROJECT', listSlugs(projects))
}

function listSlugs(projects: readonly Project[]): string {
  if (projects.length === 0) return 'create one with "signalbox projects create"'
  const shown = projects.slice(0, 10).map(({ slug }) => slug)
  return `you may read ${shown.join(', ')}${projects.length > 10 ? ', …' : ''}`
}

/** The id of an agent, by id or by a unique name. Terminated agents count only if no other has the name. */
export async function resolveAgent(api: Api, project_id: string, reference: string): Promise<string> {
  if (isId(reference)) return reference
  const wanted = reference.normalize('NFC')
  const named: Agent[] = []
  for await (const agent of eachItem((page) => api.agents.list(project_id, { ...page, q: reference }))) {
    if (agent.name.normalize('NFC') === wanted) named.push(agent)
  }
  const living = named.filter(({ status }) => status !== 'terminated')
  const [only, ...others] = living.length > 0 ? living : named
  if (!only) {
    const advice = 'see "signalbox agents list"'
    throw new CliError('failed', `No agent "${reference}" in the project`, advice)
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
  throw new CliError('failed', `No agent type "${reference}"`, 'see "signalbox types list"')
}

export async function resolveUser(api: Api, reference: string): Promise<string> {
  if (isId(reference)) return reference
  const wanted = fold(reference)
  for await (const { id, email } of eachItem((page) => api.users.list(page))) if (email === wanted) return id
  throw new CliError('failed', `No user "${reference}"`, 'see "signalbox users list"')
}

export async function resolveKey(api: Api, reference: string): Promise<string> {
  if (isId(reference)) return reference
  const wanted = reference.normalize('NFC')
  const keys = await collect(eachItem((page) => api.keys.list(page)))
  return pickOnly(
    keys.filter(({ name }) => name.normalize('NFC') === wanted),
    {
      none: `No key "${reference}"`,
      many: `keys are called "${reference}"`,
      advice: 'use an id from "signalbox keys list"',
    },
  )
}

/** The id of a webhook, by id or by a unique URL. */
export async function resolveWebhook(api: Api, project_id: string, reference: string): Promise<string> {
  if (isId(reference)) return reference
  const webhooks = await collect(eachItem((page) => api.webhooks.list(project_id, page)))
  return pickOnly(
    webhooks.filter(({ url }) => url === reference),
    {
      none: 'No webhook of the project has this URL',
      many: 'webhooks have this URL',
      advice: 'use an id from "signalbox webhooks list"',
    },
  )
}

/** The id of a hold, by id or by its reason; of all projects' holds without a project. Ended ones have only ids. */
export async function resolveHold(
  api: Api,
  project_id: string | undefined,
  reference: string,
): Promise<string> {
  if (isId(reference)) return reference
  const active = true
  const holds = await collect(
    project_id === undefined
      ? eachItem((page) => api.holds.listGlobal({ ...page, active }))
      : eachItem((page) => api.holds.list(project_id, { ...page, active })),
  )
  const advice = 'use an id from "signalbox holds list"'
  return pickOnly(
    holds.filter(({ reason }) => reason === reference),
    { none: `No active hold "${reference}"`, many: `active holds have the reason "${reference}"`, advice },
  )
}

export async function resolveBudget(api: Api, project_id: string, reference: string): Promise<string> {
  if (isId(reference)) return reference
  const budgets = await collect(eachItem((page) => api.budgets.list(project_id, page)))
  const advice = 'use an id from "signalbox budgets list"'
  return pickOnly(
    budgets.filter(({ name }) => name === reference),
    { none: `No budget "${reference}" in the project`, many: `budgets are called "${reference}"`, advice },
  )
}

type Misses = { none: string; many: string; advice: string }

function pickOnly([only, ...others]: { id: string }[], { none, many, advice }: Misses): string {
  if (only && others.length === 0) return only.id
  throw new CliError('failed', only ? `${others.length + 1} ${many}` : none, advice)
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

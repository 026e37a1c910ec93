import type { Registration } from '#src/client/index.ts'
import * as cast from './cast.ts'
import { between, pick } from './chance.ts'
import type { Line } from './fleet.ts'
import type { Runtimes } from './runtimes.ts'

const CHILDREN_OF_LEAD = 4

/**
 * Has a runtime for each agent of a project, and new agents until it has its share: a lead, some children of it, one child
 * of a child, and others that stand alone.
 */
export async function fill(line: Line, runtimes: Runtimes): Promise<void> {
  const { members, share, project } = line
  await runtimes.cover(line)
  const add = (newcomer: Registration) => members.set(newcomer.external_id, newcomer)
  const find = (belongs: (member: Registration) => boolean) => [...members.values()].filter(belongs)
  const isLead = ({ labels }: Registration) => labels?.role === cast.lead.labels.role
  if (find(isLead).length === 0) add({ ...cast.lead, external_id: nameOf(project.slug, cast.lead.name) })
  await runtimes.cover(line)
  const [lead] = find(isLead)
  const lead_id = lead && runtimes.of(lead.external_id)?.agent_id
  const children = () => find(({ parent_id }) => parent_id === lead_id)
  while (members.size < share && children().length < CHILDREN_OF_LEAD) add(newcomer(project.slug, lead_id))
  await runtimes.cover(line)
  const [child] = children()
  const child_id = child && runtimes.of(child.external_id)?.agent_id
  const hasGrandchild = () => find(({ parent_id }) => parent_id === child_id).length > 0
  while (members.size < share) add(newcomer(project.slug, hasGrandchild() ? undefined : child_id))
  await runtimes.cover(line)
}

/** A third has a token limit, a sixth a cost limit, low enough that some agents reach them within minutes. */
function newcomer(slug: string, parent_id: string | undefined): Registration {
  const dice = between(1, 6)
  const name = `${pick(cast.engines)} ${between(100, 999)}`
  return {
    ...{
      external_id: nameOf(slug, name),
      name,
      agent_type: pick<{ slug: string }>(cast.agentTypes).slug,
      parent_id,
    },
    labels: { team: pick(cast.teams), shift: pick(cast.shifts) },
    ...(dice <= 2 && { token_limit: between(4, 60) * 1_000 }),
    ...(dice === 3 && { cost_limit: (between(5, 60) / 100).toFixed(2) }),
  }
}

/** Not used before: the name of an agent that an operator terminated is not free. */
function nameOf(slug: string, name: string): string {
  return `${slug}/${name.toLowerCase().replaceAll(' ', '-')}-${Date.now().toString(36)}${between(100, 999)}`
}

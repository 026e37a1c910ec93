import type * as v from 'valibot'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import { agent, message } from '#src/protocol/agents.ts'
import { agentType, pageOf, project } from '#src/protocol/resources.ts'
import * as cast from './cast.ts'
import { between, pick } from './chance.ts'
import type { Client } from './client.ts'

export type Agent = v.InferOutput<typeof agent>
export type Project = v.InferOutput<typeof project>
type AgentType = v.InferOutput<typeof agentType>

/** The demo's projects, and the ids of the agents that it drives in each. */
export type Fleet = { types: [AgentType, ...AgentType[]]; lines: Line[] }
export type Line = { project: Project; share: number; agent_ids: string[] }

/** Finds projects, types and live agents of an earlier start, and makes what is missing. */
export async function gatherFleet(client: Client): Promise<Fleet> {
  const projects = await findOrCreate(client, { path: '/projects', item: project, wanted: cast.projects })
  const found = await findOrCreate(client, { path: '/agent-types', item: agentType, wanted: cast.agentTypes })
  const [first, ...others] = found
  if (!first) throw new Error('the demo has no agent types')
  const lines: Line[] = []
  for (const [index, made] of projects.entries()) {
    const share = cast.projects[index]?.share ?? 0
    lines.push({ project: made, share, agent_ids: await listLiveAgents(client, made.id) })
  }
  return { types: [first, ...others], lines }
}

type Wanted = { slug: string; name: string; description: string }

/** In the order of `wanted`. */
async function findOrCreate<Item extends v.GenericSchema<unknown, { slug: string }>>(
  client: Client,
  { path, item, wanted }: { path: string; item: Item; wanted: readonly Wanted[] },
): Promise<v.InferOutput<Item>[]> {
  const existing = await listAll(client, path, item)
  const found: v.InferOutput<Item>[] = []
  for (const { slug, name, description } of wanted) {
    const known = existing.find((candidate) => candidate.slug === slug)
    const body = { slug, name, description }
    found.push(known ?? (await client.send(item, { method: 'POST', path, body })))
  }
  return found
}

async function listAll<Item extends v.GenericSchema>(
  client: Client,
  path: string,
  item: Item,
): Promise<v.InferOutput<Item>[]> {
  const all: v.InferOutput<Item>[] = []
  const joint = path.includes('?') ? '&' : '?'
  for (let page = 1; ; page++) {
    const answer = await client.send(pageOf(item), {
      method: 'GET',
      path: `${path}${joint}limit=100&page=${page}`,
    })
    all.push(...answer.data)
    if (!answer.pagination.has_next) return all
  }
}

async function listLiveAgents(client: Client, project_id: string): Promise<string[]> {
  const ids: string[] = []
  for (const status of agentStatuses.filter((status) => status !== 'terminated')) {
    const found = await listAll(client, `/projects/${project_id}/agents?status=${status}`, agent)
    ids.push(...found.map(({ id }) => id))
  }
  return ids
}

/** Spawns an agent into every empty place. */
export async function topUp(client: Client, { types, lines }: Fleet): Promise<void> {
  for (const line of lines) {
    while (line.agent_ids.length < line.share) {
      const type = pick(types)
      const { id } = await client.send(agent, {
        method: 'POST',
        path: `/projects/${line.project.id}/agents`,
        body: { agent_type_id: type.id, ...newcomer() },
      })
      line.agent_ids.push(id)
    }
  }
}

/** A third has a token limit, a sixth a cost limit; they are low enough to be reached while one watches. */
function newcomer() {
  const dice = between(1, 6)
  const starts_at_once = between(1, 2) === 1
  return {
    name: `${pick(cast.engines)} ${between(100, 999)}`,
    ...(starts_at_once && { status: 'working', current_task: pick(cast.tasks) }),
    ...(dice <= 2 && { token_limit: between(4, 60) * 1_000 }),
    ...(dice === 3 && { cost_limit: (between(5, 60) / 100).toFixed(2) }),
  }
}

/** One agent and what can be asked of it. */
export type Handle = {
  agent: Agent
  update(body: object): Promise<Agent>
  act(action: 'pause' | 'resume', body: object): Promise<Agent>
  terminate(reason: string): Promise<unknown>
}

export async function openAgent(client: Client, project_id: string, agent_id: string): Promise<Handle> {
  const path = `/projects/${project_id}/agents/${agent_id}`
  return {
    agent: await client.send(agent, { method: 'GET', path }),
    update: (body) => client.send(agent, { method: 'PATCH', path, body }),
    act: (action, body) => client.send(agent, { method: 'POST', path: `${path}/${action}`, body }),
    terminate: (reason) => client.send(message, { method: 'DELETE', path, body: { reason } }),
  }
}

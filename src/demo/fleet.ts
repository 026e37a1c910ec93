import type * as v from 'valibot'
import type { Registration, RunningAgent } from '#src/client/index.ts'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import { agent, message } from '#src/protocol/agents.ts'
import { agentType, project, stepOf } from '#src/protocol/resources.ts'
import * as cast from './cast.ts'
import type { Client } from './client.ts'

export type Agent = v.InferOutput<typeof agent>
export type Project = v.InferOutput<typeof project>

/** The demo's projects. */
export type Fleet = Line[]
export type Line = {
  project: Project
  /** How many agents it is to have. */
  share: number
  /** Its agents, by their `external_id`. */
  members: Map<string, Registration>
}

/** Finds the projects, types and live agents of an earlier start, and creates what is missing. */
export async function gatherFleet(client: Client): Promise<Fleet> {
  const projects = await findOrCreate(client, { path: '/projects', item: project, wanted: cast.projects })
  await findOrCreate(client, { path: '/agent-types', item: agentType, wanted: cast.agentTypes })
  const fleet: Fleet = []
  for (const [index, made] of projects.entries()) {
    const share = cast.projects[index]?.share ?? 0
    const members = (await listLiveAgents(client, made.id)).filter(({ name }) => name !== cast.nightMail.name)
    const named = await Promise.all(members.map((member) => toRegistration(client, member)))
    fleet.push({ project: made, share, members: new Map(named.map((one) => [one.external_id, one])) })
  }
  return fleet
}

type Wanted = { slug: string; name: string; description: string }

/** In the order of `wanted`. */
async function findOrCreate<Item extends v.GenericSchema<unknown, { slug: string }>>(
  client: Client,
  { path, item, wanted }: { path: string; item: Item; wanted: readonly Wanted[] },
): Promise<v.InferOutput<Item>[]> {
  const existing = await listAll(client, path, item)
  const items: v.InferOutput<Item>[] = []
  for (const { slug, name, description } of wanted) {
    const known = existing.find((candidate) => candidate.slug === slug)
    const body = { slug, name, description }
    items.push(known ?? (await client.send(item, { method: 'POST', path, body })))
  }
  return items
}

type Step<Item extends v.GenericSchema> = { data: v.InferOutput<Item>[]; next_cursor: string | null }

export async function listAll<Item extends v.GenericSchema>(
  client: Client,
  path: string,
  item: Item,
): Promise<v.InferOutput<Item>[]> {
  const all: v.InferOutput<Item>[] = []
  const joint = path.includes('?') ? '&' : '?'
  for (let cursor: string | null = ''; cursor !== null; ) {
    const step: Step<Item> = await client.send(stepOf(item), {
      method: 'GET',
      path: `${path}${joint}limit=100&cursor=${cursor}`,
    })
    all.push(...step.data)
    cursor = step.next_cursor
  }
  return all
}

async function listLiveAgents(client: Client, project_id: string): Promise<Agent[]> {
  const agents: Agent[] = []
  for (const status of agentStatuses.filter((status) => status !== 'terminated')) {
    agents.push(...(await listAll(client, `/projects/${project_id}/agents?status=${status}`, agent)))
  }
  return agents
}

/** How a runtime finds the agent again. One that was spawned without a name gets one. */
async function toRegistration(client: Client, found: Agent): Promise<Registration> {
  const { id, project_id, name, labels, parent_id, agent_type_slug: agent_type } = found
  const external_id = found.external_id ?? id
  const path = `/projects/${project_id}/agents/${id}`
  if (!found.external_id) await client.send(agent, { method: 'PATCH', path, body: { external_id } })
  return { external_id, name, agent_type, labels, parent_id }
}

/** One agent: its runtime, which reports, and the operator's calls. */
export type Handle = {
  agent: Agent
  runtime: RunningAgent
  update(body: object): Promise<Agent>
  act(action: 'pause' | 'resume', body: object): Promise<Agent>
  terminate(reason: string): Promise<unknown>
}

export async function openAgent(client: Client, runtime: RunningAgent, project_id: string): Promise<Handle> {
  const path = `/projects/${project_id}/agents/${runtime.agent_id}`
  return {
    runtime,
    agent: await client.send(agent, { method: 'GET', path }),
    update: (body) => client.send(agent, { method: 'PATCH', path, body }),
    act: (action, body) => client.send(agent, { method: 'POST', path: `${path}/${action}`, body }),
    terminate: (reason) => client.send(message, { method: 'DELETE', path, body: { reason } }),
  }
}

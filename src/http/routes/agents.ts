import { actOnAgent, spawnAgent, updateAgent } from '#src/commands/agents.ts'
import { toActor } from '#src/domain/access.ts'
import { toAgent } from '#src/domain/agent.ts'
import { notFound, refuse } from '#src/domain/errors.ts'
import {
  agent,
  agentMetrics,
  listAgentsQuery,
  message,
  spawnBody,
  terminateBody,
  updateBody,
} from '#src/protocol/agents.ts'
import { pageOf } from '#src/protocol/resources.ts'
import { findAgentJson, listAgentsJson } from '#src/store/agent-json.ts'
import { readMetrics } from '#src/store/metrics.ts'
import { jsonText } from '../json-text.ts'
import { describePage, offsetOf } from '../pagination.ts'
import { defineRoute, type Route } from '../route.ts'

const tag = 'Agents'
const inProject = '/projects/{project_id}/agents'
const ofAgent = '/projects/{project_id}/agents/{agent_id}'
const oneAgent = { status: 200, schema: agent, description: 'The agent' } as const

/** The routes of an agent as a resource; its actions, and what concerns its runtime, are files of their own. */
export function agentRoutes(): Route[] {
  return [...collectionRoutes(), ...resourceRoutes()]
}

function collectionRoutes(): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: inProject,
      operation_id: 'spawn_agent',
      summary: 'Spawn Agent Instance',
      tag,
      limit: 20,
      access: 'spawn_agent',
      body: spawnBody,
      success: { status: 201, schema: agent, description: 'The new agent' },
      check({ params, body }) {
        if (body.project_id === undefined || body.project_id === params.project_id) return
        throw refuse('invalid', 'Agent project_id must match the URL project_id', 'project_id')
      },
      async handle({ context, params: { project_id }, body, principal, c }) {
        const { project_id: _, ...input } = body
        const target = { project_id, actor: toActor(principal) }
        const spawned = toAgent(await spawnAgent(context, target, input))
        c.header('Location', `/api/v1/projects/${project_id}/agents/${spawned.id}`)
        return spawned
      },
    }),
    defineRoute({
      method: 'get',
      path: inProject,
      operation_id: 'list_project_agents',
      summary: 'List Project Agents',
      tag,
      limit: 60,
      access: 'list_agents',
      query: listAgentsQuery,
      success: { status: 200, schema: pageOf(agent), description: 'One page of agents, newest first' },
      async handle({ context, params: { project_id }, query: { page, limit, ...filter }, c }) {
        const offset = offsetOf({ page, limit })
        const range = { ...filter, limit, offset }
        const { json, size, total } = await listAgentsJson(context.database, project_id, range)
        const pagination = describePage(size, { page, limit, total })
        return jsonText(c, `{"data":${json},"pagination":${JSON.stringify(pagination)}}`)
      },
    }),
    // Before the routes with an agent's id, which would take `metrics` for one.
    defineRoute({
      method: 'get',
      path: `${inProject}/metrics`,
      operation_id: 'get_project_agent_metrics',
      summary: 'Get Project Agent Metrics',
      tag,
      limit: 60,
      access: 'read_metrics',
      success: { status: 200, schema: agentMetrics, description: 'Sums over the project' },
      async handle({ context, params: { project_id } }) {
        return readMetrics(context.database, project_id)
      },
    }),
  ]
}

function resourceRoutes(): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: ofAgent,
      operation_id: 'get_agent',
      summary: 'Get Agent Details',
      tag,
      limit: 60,
      access: 'read_agent',
      success: oneAgent,
      async handle({ context, params: { project_id, agent_id }, c }) {
        const found = await findAgentJson(context.database, project_id, agent_id)
        if (!found) throw notFound.agent(agent_id, project_id)
        return jsonText(c, found)
      },
    }),
    defineRoute({
      method: 'patch',
      path: ofAgent,
      operation_id: 'update_agent',
      summary: 'Update Agent',
      tag,
      limit: 30,
      access: 'update_agent',
      body: updateBody,
      success: oneAgent,
      async handle({ context, params, body, principal }) {
        return toAgent(await updateAgent(context, { ...params, actor: toActor(principal) }, body))
      },
    }),
    defineRoute({
      method: 'delete',
      path: ofAgent,
      operation_id: 'terminate_agent',
      summary: 'Terminate Agent',
      tag,
      limit: 10,
      access: 'control_agent',
      body: terminateBody,
      is_body_optional: true,
      success: { status: 200, schema: message, description: 'The agent is terminated' },
      async handle({ context, params, body, principal }) {
        const target = { ...params, actor: toActor(principal) }
        const { name } = await actOnAgent(context, target, { action: 'terminate', ...body })
        return { success: true, message: `Agent '${name}' has been terminated` }
      },
    }),
    defineRoute({
      method: 'get',
      path: `${ofAgent}/metrics`,
      operation_id: 'get_agent_metrics',
      summary: 'Get Agent Metrics',
      tag,
      limit: 60,
      access: 'read_metrics',
      success: { status: 200, schema: agentMetrics, description: 'The usage of one agent' },
      async handle({ context, params: { project_id, agent_id } }) {
        const metrics = await readMetrics(context.database, project_id, agent_id)
        if (metrics.total_instances === 0) throw notFound.agent(agent_id, project_id)
        return metrics
      },
    }),
  ]
}

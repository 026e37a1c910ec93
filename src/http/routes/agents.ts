import { spawnAgent, updateAgent } from '#src/commands/agents.ts'
import { toActor } from '#src/domain/access.ts'
import { toAgent } from '#src/domain/agent.ts'
import { notFound, refuse } from '#src/domain/errors.ts'
import { parseSelector } from '#src/domain/selector.ts'
import { jsonText } from '#src/http/raw-responses.ts'
import {
  agent,
  agentMetrics,
  agentMetricsQuery,
  listAgentsQuery,
  projectMetricsQuery,
  spawnBody,
  updateBody,
} from '#src/protocol/agents.ts'
import { listOf } from '#src/protocol/resources.ts'
import { findAgentJson, listAgentsJson } from '#src/store/agent-json.ts'
import { readAgentMetrics, readProjectMetrics } from '#src/store/metrics.ts'
import { placeOf } from '../list.ts'
import { defineRoute, type Route } from '../route.ts'

const tag = 'Agents'
const inProject = '/projects/{project_id}/agents'
const ofAgent = '/projects/{project_id}/agents/{agent_id}'
const oneAgent = { status: 200, schema: agent, description: 'The agent' } as const

export function agentRoutes(): Route[] {
  return [...collectionRoutes(), ...resourceRoutes()]
}

function collectionRoutes(): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: inProject,
      operation_id: 'spawn_agent',
      summary: 'Spawn an agent',
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
      summary: 'List the agents of a project',
      tag,
      limit: 60,
      access: 'list_agents',
      query: listAgentsQuery,
      success: { status: 200, schema: listOf(agent), description: 'Agents, newest first' },
      async handle({ context, params, query, c }) {
        const { range, describe } = placeOf('list_project_agents', { context, params, query })
        const filter = { ...query, selector: parseSelector(query.selector ?? '') }
        const listed = await listAgentsJson(context.database, params.project_id, filter, range)
        const described = JSON.stringify(describe(listed, 'size' in listed ? listed.size : 0))
        return jsonText(c, `{"data":${listed.json},${described.slice(1)}`)
      },
    }),
    // Before the routes with an agent's id, which would take `metrics` as one.
    defineRoute({
      method: 'get',
      path: `${inProject}/metrics`,
      operation_id: 'get_project_agent_metrics',
      summary: 'Get the metrics of a project',
      tag,
      limit: 60,
      access: 'read_metrics',
      query: projectMetricsQuery,
      success: {
        status: 200,
        schema: agentMetrics,
        description: 'Counts and sums over the agents of the project',
      },
      async handle({ context, params: { project_id }, query: { selector } }) {
        return readProjectMetrics(context.database, project_id, parseSelector(selector ?? ''))
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
      summary: 'Get an agent',
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
      summary: 'Update an agent',
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
      method: 'get',
      path: `${ofAgent}/metrics`,
      operation_id: 'get_agent_metrics',
      summary: 'Get the metrics of an agent',
      tag,
      limit: 60,
      access: 'read_metrics',
      query: agentMetricsQuery,
      success: {
        status: 200,
        schema: agentMetrics,
        description: 'The same shape, for one agent or its tree',
      },
      async handle({ context, params: { project_id, agent_id }, query: { tree } }) {
        const metrics = await readAgentMetrics(context.database, { project_id, agent_id, tree })
        if (metrics.total_instances === 0) throw notFound.agent(agent_id, project_id)
        return metrics
      },
    }),
  ]
}

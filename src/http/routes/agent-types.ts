import { createAgentType, updateAgentType } from '#src/commands/agent-types.ts'
import { notFound } from '#src/domain/errors.ts'
import { message } from '#src/protocol/agents.ts'
import {
  agentType,
  createAgentTypeBody,
  pageOf,
  pageQuery,
  updateAgentTypeBody,
} from '#src/protocol/resources.ts'
import { AgentTypeEntity } from '#src/store/entities/index.ts'
import { newestFirst, paginated } from '../pagination.ts'
import { defineRoute, limits, type Route } from '../route.ts'

const tag = 'Agent types'
const oneType = { status: 200, schema: agentType, description: 'The agent type' } as const

export function agentTypeRoutes(): Route[] {
  return [...readRoutes(), ...writeRoutes()]
}

function readRoutes(): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/agent-types',
      operation_id: 'list_agent_types',
      summary: 'List agent types',
      tag,
      limit: limits.read,
      access: 'read_agent_types',
      query: pageQuery,
      success: { status: 200, schema: pageOf(agentType), description: 'One page of types, newest first' },
      async handle({ context, query }) {
        const em = context.orm.em.fork()
        const [found, total] = await em.findAndCount(AgentTypeEntity, {}, newestFirst(query))
        return paginated(found.map(toAgentType), { ...query, total })
      },
    }),
    defineRoute({
      method: 'get',
      path: '/agent-types/{id}',
      operation_id: 'get_agent_type',
      summary: 'One agent type',
      tag,
      limit: limits.read,
      access: 'read_agent_types',
      success: oneType,
      async handle({ context, params }) {
        const found = await context.orm.em.fork().findOne(AgentTypeEntity, params.id)
        if (!found) throw notFound.agent_type(params.id)
        return toAgentType(found)
      },
    }),
  ]
}

function writeRoutes(): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: '/agent-types',
      operation_id: 'create_agent_type',
      summary: 'Create an agent type',
      tag,
      limit: limits.write,
      access: 'manage_agent_types',
      body: createAgentTypeBody,
      success: { status: 201, schema: agentType, description: 'The new agent type' },
      handle: ({ context, body }) => createAgentType(context, body),
    }),
    defineRoute({
      method: 'patch',
      path: '/agent-types/{id}',
      operation_id: 'update_agent_type',
      summary: 'Change an agent type',
      tag,
      limit: limits.write,
      access: 'manage_agent_types',
      body: updateAgentTypeBody,
      success: oneType,
      handle({ context, principal, params, body }) {
        return updateAgentType(context, { agent_type_id: params.id, principal }, body)
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/agent-types/{id}',
      operation_id: 'deactivate_agent_type',
      summary: 'Deactivate an agent type: its agents stay, none can be spawned from it',
      tag,
      limit: limits.write,
      access: 'manage_agent_types',
      success: { status: 200, schema: message, description: 'The agent type is inactive' },
      async handle({ context, principal, params }) {
        const change = { is_active: false }
        const { name } = await updateAgentType(context, { agent_type_id: params.id, principal }, change)
        return { success: true, message: `Agent type '${name}' has been deactivated` }
      },
    }),
  ]
}

function toAgentType(entity: AgentTypeEntity) {
  const { id, name, slug, description, is_active, config, created_at, updated_at } = entity
  return { id, name, slug, description, is_active, config, created_at, updated_at }
}

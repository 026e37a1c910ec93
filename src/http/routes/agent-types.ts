import { createAgentType, updateAgentType } from '#src/commands/agent-types.ts'
import { notFound } from '#src/domain/errors.ts'
import { message } from '#src/protocol/agents.ts'
import { agentType, createAgentTypeBody, pageQuery, updateAgentTypeBody } from '#src/protocol/resources.ts'
import { findAgentType, listAgentTypes } from '#src/store/agent-types.ts'
import { limits } from '../bounds.ts'
import { defineList } from '../list.ts'
import { defineRoute, type Route } from '../route.ts'

const tag = 'Agent types'
const oneType = { status: 200, schema: agentType, description: 'The agent type' } as const

export function agentTypeRoutes(): Route[] {
  return [...readRoutes(), ...writeRoutes()]
}

function readRoutes(): Route[] {
  return [
    defineList({
      path: '/agent-types',
      operation_id: 'list_agent_types',
      summary: 'List agent types',
      tag,
      limit: limits.read,
      access: 'read_agent_types',
      query: pageQuery,
      item: agentType,
      description: 'Types, newest first',
      read: ({ context }, range) => listAgentTypes(context.database, range),
    }),
    defineRoute({
      method: 'get',
      path: '/agent-types/{id}',
      operation_id: 'get_agent_type',
      summary: 'Read an agent type',
      tag,
      limit: limits.read,
      access: 'read_agent_types',
      success: oneType,
      async handle({ context, params }) {
        const found = await findAgentType(context.database, params.id)
        if (!found) throw notFound.agent_type(params.id)
        return found
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
      summary: 'Deactivate an agent type; its agents stay, and no more can be spawned from it',
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

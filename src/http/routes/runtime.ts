import { issueAgentToken, revokeAgentTokens } from '#src/commands/api-keys.ts'
import { sendMessage } from '#src/commands/runtime.ts'
import { toActor } from '#src/domain/access.ts'
import { notFound } from '#src/domain/errors.ts'
import { countedResult } from '#src/protocol/agents.ts'
import { pageQuery } from '#src/protocol/resources.ts'
import { agentToken, agentTokenBody, sendSignalBody, signalDetails } from '#src/protocol/signals.ts'
import { findAgent } from '#src/store/agents.ts'
import { listSignals, toSignalDetails } from '#src/store/signals.ts'
import { limits } from '../bounds.ts'
import { defineList } from '../list.ts'
import { defineRoute, type Route } from '../route.ts'

const tag = 'Runtimes'
const ofAgent = '/projects/{project_id}/agents/{agent_id}'

export function runtimeRoutes(): Route[] {
  return [...signalRoutes(), ...tokenRoutes()]
}

function signalRoutes(): Route[] {
  return [
    defineList({
      path: `${ofAgent}/signals`,
      operation_id: 'list_signals',
      summary: 'List the signals of an agent and their outcomes',
      tag,
      limit: limits.read,
      access: 'read_signals',
      query: pageQuery,
      item: signalDetails,
      description: 'Signals, newest first',
      async read({ context, params: { project_id, agent_id } }, range) {
        const found = await findAgent(context.database, project_id, agent_id)
        if (!found) throw notFound.agent(agent_id, project_id)
        const listed = await listSignals(context.database, agent_id, range)
        return { ...listed, rows: listed.rows.map(toSignalDetails) }
      },
    }),
    defineRoute({
      method: 'post',
      path: `${ofAgent}/signals`,
      operation_id: 'send_signal',
      summary: 'Send a message to the runtime of an agent',
      tag,
      limit: limits.write,
      access: 'send_signal',
      body: sendSignalBody,
      success: {
        status: 201,
        schema: signalDetails,
        description: 'The message, kept until it is acknowledged',
      },
      async handle({ context, principal, params, body }) {
        const target = { ...params, actor: toActor(principal) }
        return toSignalDetails(await sendMessage(context, target, body.payload))
      },
    }),
  ]
}

function tokenRoutes(): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: `${ofAgent}/token`,
      operation_id: 'issue_agent_token',
      summary: 'Create a token for the runtime of one agent; only this answer shows it',
      tag,
      limit: limits.write,
      access: 'issue_agent_token',
      answers_secret: true,
      body: agentTokenBody,
      is_body_optional: true,
      success: { status: 201, schema: agentToken, description: 'The token, and when it expires' },
      async handle({ context, principal, params, body }) {
        return issueAgentToken(context, { ...params, principal }, body)
      },
    }),
    defineRoute({
      method: 'delete',
      path: `${ofAgent}/tokens`,
      operation_id: 'revoke_agent_tokens',
      summary:
        'Revoke every token of an agent; verdicts refuse them at once, and connections close within 5 s',
      tag,
      limit: limits.write,
      access: 'revoke_agent_tokens',
      success: { status: 200, schema: countedResult, description: 'How many tokens were good until now' },
      async handle({ context, principal, params }) {
        const { name, affected_count } = await revokeAgentTokens(context, { ...params, principal })
        const tokens = affected_count === 1 ? '1 token' : `${affected_count} tokens`
        const have = affected_count === 1 ? 'has' : 'have'
        const message = `${tokens} of agent '${name}' ${have} been revoked`
        return { success: true, message, affected_count }
      },
    }),
  ]
}

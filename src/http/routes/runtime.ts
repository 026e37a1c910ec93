import { issueAgentToken } from '#src/commands/api-keys.ts'
import { sendMessage } from '#src/commands/runtime.ts'
import { toActor } from '#src/domain/access.ts'
import { notFound } from '#src/domain/errors.ts'
import { pageOf, pageQuery } from '#src/protocol/resources.ts'
import { agentToken, agentTokenBody, sendSignalBody, signalDetails } from '#src/protocol/signals.ts'
import { findAgent } from '#src/store/agents.ts'
import { listSignals, toSignalDetails } from '#src/store/signals.ts'
import { offsetOf, paginated } from '../pagination.ts'
import { defineRoute, limits, type Route } from '../route.ts'

const tag = 'Runtimes'
const ofAgent = '/projects/{project_id}/agents/{agent_id}'

/** What concerns the runtime of an agent: its signals, and its token. */
export function runtimeRoutes(): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: `${ofAgent}/signals`,
      operation_id: 'list_signals',
      summary: 'The signals of an agent, and what became of them',
      tag,
      limit: limits.read,
      access: 'read_signals',
      query: pageQuery,
      success: {
        status: 200,
        schema: pageOf(signalDetails),
        description: 'One page of signals, newest first',
      },
      async handle({ context, params: { project_id, agent_id }, query }) {
        const found = await findAgent(context.database, project_id, agent_id)
        if (!found) throw notFound.agent(agent_id, project_id)
        const page = { limit: query.limit, offset: offsetOf(query) }
        const { rows, total } = await listSignals(context.database, agent_id, page)
        return paginated(rows.map(toSignalDetails), { ...query, total })
      },
    }),
    defineRoute({
      method: 'post',
      path: `${ofAgent}/signals`,
      operation_id: 'send_signal',
      summary: 'Send the runtime of an agent a message',
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
    defineRoute({
      method: 'post',
      path: `${ofAgent}/token`,
      operation_id: 'issue_agent_token',
      summary: 'A token for the runtime of this one agent, shown this once',
      tag,
      limit: limits.write,
      access: 'issue_agent_token',
      answers_secret: true,
      body: agentTokenBody,
      is_body_optional: true,
      success: { status: 201, schema: agentToken, description: 'The token, and when it ends' },
      async handle({ context, principal, params, body }) {
        return issueAgentToken(context, { ...params, principal }, body)
      },
    }),
  ]
}

import type * as v from 'valibot'
import { actOnAgent, actOnAgents } from '#src/commands/agents.ts'
import { toActor } from '#src/domain/access.ts'
import { type ActionName, actionNames, actionRow } from '#src/domain/actions.ts'
import { toAgent } from '#src/domain/agent.ts'
import { parseSelector } from '#src/domain/selector.ts'
import { actionBodies, agent, bulkBody, bulkResult, message, terminateQuery } from '#src/protocol/agents.ts'
import { limits } from '../bounds.ts'
import { defineRoute, type Route } from '../route.ts'

const tag = 'Agents'
const inProject = '/projects/{project_id}/agents'
const ofAgent = '/projects/{project_id}/agents/{agent_id}'

const descriptions: Record<ActionName, string> = {
  pause:
    'Also pauses its descendants that are not paused yet, in the same transaction. While a runtime that was ever attached has not obeyed a pause, it may be sent again; that reaches the descendants that have not obeyed theirs.',
  resume: 'Also resumes the descendants that were paused with it, in the same transaction.',
  terminate: 'Also terminates its descendants, in the same transaction. It may be sent again as a pause may.',
}

/** The actions of operators, one route for each row of the domain's table, and one for many agents in one transaction. */
export function agentActionRoutes(): Route[] {
  return [
    ...actionNames.map((name) => (name === 'terminate' ? terminateRoute(name) : actionRoute(name))),
    bulkRoute(),
  ]
}

function actionRoute(action: ActionName): Route {
  const { verb, past } = actionRow(action)
  return defineRoute({
    method: 'post',
    path: `${ofAgent}/${action}`,
    operation_id: `${action}_agent`,
    summary: `${verb} an agent`,
    description: descriptions[action],
    tag,
    limit: 20,
    access: 'control_agent',
    body: actionBodies[action],
    is_body_optional: true,
    success: { status: 200, schema: agent, description: `The agent, ${past}` },
    async handle({ context, params, body, principal }) {
      const target = { ...params, actor: toActor(principal) }
      return toAgent(await actOnAgent(context, target, { action, ...body }))
    },
  })
}

/** The REST contract has this one action as a DELETE, which answers a message. */
function terminateRoute(action: ActionName): Route {
  const { verb, past } = actionRow(action)
  return defineRoute({
    method: 'delete',
    path: ofAgent,
    operation_id: `${action}_agent`,
    summary: `${verb} an agent`,
    description: descriptions[action],
    tag,
    limit: 10,
    access: 'control_agent',
    query: terminateQuery,
    body: actionBodies[action],
    is_body_optional: true,
    success: { status: 200, schema: message, description: `The agent has been ${past}` },
    async handle({ context, params, query, body, principal }) {
      const target = { ...params, actor: toActor(principal) }
      const { name } = await actOnAgent(context, target, { action, ...query, ...body })
      return { success: true, message: `Agent '${name}' has been ${past}` }
    },
  })
}

function bulkRoute(): Route {
  return defineRoute({
    method: 'post',
    path: `${inProject}/actions`,
    operation_id: 'act_on_agents',
    summary: 'Apply an action to many agents in one transaction',
    description:
      'Descendants follow as in the action on one agent. One that takes the action itself counts once, as named.',
    tag,
    limit: limits.bulk,
    access: 'control_agent',
    body: bulkBody,
    success: {
      status: 200,
      schema: bulkResult,
      description: 'How many agents took the action, and why the others did not',
    },
    async handle({ context, params: { project_id }, body, principal }) {
      const target = { project_id, actor: toActor(principal) }
      const { affected_count, skipped } = await actOnAgents(context, target, toBulkInput(body))
      const agents = affected_count === 1 ? '1 agent' : `${affected_count} agents`
      const message = `${agents} ${actionRow(body.action).past}, ${skipped.length} skipped`
      return { success: true, message, affected_count, skipped }
    },
  })
}

function toBulkInput({ ids, all: _, status, selector, ...input }: v.InferOutput<typeof bulkBody>) {
  const terms = parseSelector(selector ?? '')
  return { ...input, selection: { ids, status, selector: terms.length > 0 ? terms : undefined } }
}

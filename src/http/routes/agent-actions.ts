import type * as v from 'valibot'
import { type ActionInput, actOnAgent, actOnAgents } from '#src/commands/agents.ts'
import { toActor } from '#src/domain/access.ts'
import type { ActionName } from '#src/domain/actions.ts'
import { toAgent } from '#src/domain/agent.ts'
import { agent, bulkBody, bulkResult, pauseBody, resumeBody } from '#src/protocol/agents.ts'
import { defineRoute, limits, type Route } from '../route.ts'

const tag = 'Agents'
const inProject = '/projects/{project_id}/agents'
const oneAgent = { status: 200, schema: agent, description: 'The agent' } as const

/** What operators do to agents: to one, or to many in one transaction. A new action is one entry here. */
export function agentActionRoutes(): Route[] {
  return [
    postedAction({
      action: 'pause',
      operation_id: 'pause_agent',
      summary: 'Pause Agent',
      body: pauseBody,
    }),
    postedAction({
      action: 'resume',
      operation_id: 'resume_agent',
      summary: 'Resume Agent',
      body: resumeBody,
    }),
    defineRoute({
      method: 'post',
      path: `${inProject}/actions`,
      operation_id: 'act_on_agents',
      summary: 'Pause, resume or terminate many agents in one transaction',
      tag,
      limit: limits.bulk,
      access: 'control_agent',
      body: bulkBody,
      success: {
        status: 200,
        schema: bulkResult,
        description: 'How many took it, and which did not and why',
      },
      async handle({ context, params: { project_id }, body, principal }) {
        const target = { project_id, actor: toActor(principal) }
        const { affected, skipped } = await actOnAgents(context, target, toBulkInput(body))
        const message = `${affected.length} agents: ${body.action}, ${skipped.length} skipped`
        return { success: true, message, affected_count: affected.length, skipped }
      },
    }),
  ]
}

function toBulkInput({ ids, all: _, status, ...input }: v.InferOutput<typeof bulkBody>) {
  return { ...input, selection: { ids, status } }
}

type PostedAction = {
  action: ActionName
  operation_id: string
  summary: string
  body: v.GenericSchema<unknown, ActionInput>
}

function postedAction({ action, ...spec }: PostedAction): Route {
  return defineRoute({
    method: 'post',
    path: `/projects/{project_id}/agents/{agent_id}/${action}`,
    ...spec,
    tag,
    limit: 20,
    access: 'control_agent',
    is_body_optional: true,
    success: oneAgent,
    async handle({ context, params, body, principal }) {
      const target = { ...params, actor: toActor(principal) }
      return toAgent(await actOnAgent(context, target, { action, ...body }))
    },
  })
}

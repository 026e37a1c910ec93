import * as v from 'valibot'
import { field } from '#src/protocol/values.ts'
import { ToolError } from '../failure.ts'
import { findAgent, findProject, findType } from '../references.ts'
import { agent, defineTool, project, type Tool } from '../tool.ts'
import { agentRow, toAgentRow } from '../views.ts'

const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const token_limit = field(
  v.nullable(count),
  'The agent is paused when it has used as many tokens; null: no limit',
)
const cost_limit = field(
  v.nullable(v.pipe(v.string(), v.regex(/^\d+(\.\d{1,4})?$/, 'Must be a decimal number'))),
  'The same for its cost, as a decimal such as "12.50"',
)

export const agentTools: readonly Tool[] = [
  defineTool({
    name: 'message_agent',
    title: 'Message an agent',
    description: 'Send an agent a message. Its runtime gets it when it is connected, and acknowledges it.',
    effect: 'changes',
    input: v.strictObject({
      project,
      agent,
      text: field(v.pipe(v.string(), v.minLength(1), v.maxLength(32_000)), 'What to tell it'),
      data: v.optional(field(v.record(v.string(), v.unknown()), 'Fields beside text in the payload')),
    }),
    output: v.object({
      signal_id: v.string(),
      agent_id: v.string(),
      agent_name: v.string(),
      connected: field(v.boolean(), 'Whether its runtime is connected; if not, it gets the message later'),
    }),
    async run({ api, project }, { agent: reference, text, data, ...input }) {
      const project_id = await findProject(api, input.project ?? project)
      const { id, name, runtime } = await findAgent(api, project_id, reference)
      const signal = await api.signals.send(project_id, id, { kind: 'message', payload: { ...data, text } })
      return { signal_id: signal.id, agent_id: id, agent_name: name, connected: runtime.connected }
    },
  }),
  defineTool({
    name: 'spawn_agent',
    title: 'Spawn an agent',
    description:
      'Add an agent to a project. It works once a runtime attaches to it; Signalbox starts no program.',
    effect: 'changes',
    input: v.strictObject({
      project,
      agent_type: field(v.string(), 'By slug, name or id'),
      name: v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(255)),
      current_task: v.optional(v.string()),
      labels: v.optional(v.record(v.string(), v.string())),
      external_id: v.optional(field(v.string(), "The agent's name in its own world")),
      parent: v.optional(field(v.string(), 'The agent that starts it, by name or id')),
      token_limit: v.optional(token_limit),
      cost_limit: v.optional(cost_limit),
    }),
    output: agentRow,
    async run({ api, project }, { agent_type, parent, project: named, ...own }) {
      const project_id = await findProject(api, named ?? project)
      const agent_type_id = await findType(api, agent_type)
      const parent_id = parent === undefined ? undefined : (await findAgent(api, project_id, parent)).id
      return toAgentRow(await api.agents.spawn(project_id, { ...own, agent_type_id, parent_id }))
    },
  }),
  defineTool({
    name: 'set_limits',
    title: 'Set limits',
    description:
      'Set what an agent may use in all, in tokens and in cost. At the limit it is paused; above what it has used it can be resumed.',
    effect: 'settles',
    input: v.strictObject({
      project,
      agent,
      token_limit: v.optional(token_limit),
      cost_limit: v.optional(cost_limit),
    }),
    output: agentRow,
    async run({ api, project }, { agent: reference, token_limit, cost_limit, ...input }) {
      if (token_limit === undefined && cost_limit === undefined) {
        throw new ToolError('Say which limit: token_limit, cost_limit, or both')
      }
      const project_id = await findProject(api, input.project ?? project)
      const { id } = await findAgent(api, project_id, reference)
      return toAgentRow(await api.agents.update(project_id, id, { token_limit, cost_limit }))
    },
  }),
]

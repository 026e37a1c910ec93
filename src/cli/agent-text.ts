import { styleText } from 'node:util'
import type { Agent } from '#src/client/rest.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { AgentStatus } from '#src/domain/lifecycle.ts'
import { toFields } from './text.ts'

/** What was asked of the runtime, and how far that has come. */
export function describeControl({ control }: Pick<AgentSummary, 'control'>): string {
  return control === null ? '' : `${control.kind} ${control.state}`
}

/** Empty: there never was one. */
export function describeRuntime({ runtime }: Pick<AgentSummary, 'runtime'>): string {
  if (runtime.connected) return 'connected'
  return runtime.since === null ? '' : 'away'
}

export function toText(agent: Agent): string {
  const { control, token_limit, cost_limit, short_term_memory } = agent
  return toFields({
    name: agent.name,
    status: agent.status,
    type: agent.agent_type_slug,
    project: agent.project_slug,
    task: agent.current_task ?? '',
    runtime: describeRuntime(agent),
    control:
      control === null
        ? ''
        : `${describeControl(agent)}${control.reason === null ? '' : `, ${control.reason}`}`,
    ...(control?.resume_at && { resumes: control.resume_at }),
    tokens: `${agent.tokens_used}${token_limit === null ? '' : ` of ${token_limit}`}`,
    cost: `${agent.cost_incurred}${cost_limit === null ? '' : ` of ${cost_limit}`}`,
    tasks: String(agent.tasks_completed),
    memory: JSON.stringify(short_term_memory),
    created: agent.created_at,
    id: agent.id,
  })
}

const colours = {
  working: 'green',
  waiting: 'yellow',
  idle: 'reset',
  paused: 'magenta',
  terminated: 'gray',
} as const satisfies Record<AgentStatus, Parameters<typeof styleText>[0]>

/** In its colour, where the terminal has some and NO_COLOR is not set. */
export function paintStatus(status: AgentStatus, shown: string = status): string {
  return styleText(colours[status], shown, { stream: process.stdout })
}

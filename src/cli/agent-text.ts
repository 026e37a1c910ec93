import { styleText } from 'node:util'
import type { Agent } from '#src/client/rest/rest.ts'
import {
  type ActionName,
  actionNames,
  actionRow,
  defaultMode,
  type Mode,
  statusRefusing,
} from '#src/domain/actions.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { Control } from '#src/domain/control.ts'
import type { AgentStatus } from '#src/domain/lifecycle.ts'
import { describeLabels } from './labels.ts'
import { toFields } from './text.ts'

/** The newest command to the runtime, and its state; with its mode unless that is the default. */
export function describeControl({ control }: Pick<AgentSummary, 'control'>): string {
  if (control === null) return ''
  const { kind, mode, state } = control
  const isUsual = actionNames.some((name) => actionRow(name).signal === kind && defaultMode(name) === mode)
  return `${kind}${isUsual ? '' : ofMode(mode)} ${state}`
}

/** ` (interrupt)`; empty without a mode. */
export function ofMode(mode: Mode | null | undefined): string {
  return mode == null ? '' : ` (${mode})`
}

const causes: Record<Control['cause']['kind'], string> = {
  order: '',
  timer: ', by its timer',
  parent: ', with its parent',
  hold: ', by a hold',
  budget: ', by a budget',
  runtime: ', by its runtime',
}

/** The command, its cause and its reason. */
function explainControl(agent: Agent): string {
  const { control } = agent
  if (control === null) return ''
  const { cause, reason } = control
  const by = `${causes[cause.kind]}${cause.id === null ? '' : ` ${cause.id}`}`
  return `${describeControl(agent)}${by}${reason === null ? '' : `, ${reason}`}`
}

function explainRuntime(agent: Agent): string {
  const { client, capabilities } = agent.runtime
  const can = capabilities.length > 0 ? `can ${capabilities.join(' and ')}` : ''
  return [describeRuntime(agent), client ?? '', can].filter((part) => part !== '').join(', ')
}

/** Empty for an agent that never had a runtime. */
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
    ...(Object.keys(agent.labels).length > 0 && { labels: describeLabels(agent) }),
    ...(agent.external_id !== null && { 'external id': agent.external_id }),
    ...(agent.parent_id !== null && { parent: agent.parent_id }),
    runtime: explainRuntime(agent),
    control: explainControl(agent),
    ...(control?.resume_at && { resumes: control.resume_at }),
    tokens: `${agent.tokens_used}${token_limit === null ? '' : ` of ${token_limit}`}`,
    cost: `${agent.cost_incurred}${cost_limit === null ? '' : ` of ${cost_limit}`}`,
    tasks: String(agent.tasks_completed),
    memory: JSON.stringify(short_term_memory),
    created: agent.created_at,
    id: agent.id,
  })
}

/** Why an agent could not take an action: "is paused already"; undefined where its status was not the reason. */
export function describeRefusal(action: ActionName, message: string): string | undefined {
  const status = statusRefusing(action, message)
  if (!status) return undefined
  const { to, only_from } = actionRow(action)
  if (only_from && status !== only_from && status !== 'terminated') return `is not ${only_from}`
  return status === to ? `is ${status} already` : `is ${status}`
}

const colours = {
  working: 'green',
  waiting: 'yellow',
  idle: 'reset',
  paused: 'magenta',
  terminated: 'gray',
} as const satisfies Record<AgentStatus, Parameters<typeof styleText>[0]>

/** In its colour, where the terminal has colours and NO_COLOR is not set. */
export function paintStatus(status: AgentStatus, shown: string = status): string {
  return styleText(colours[status], shown, { stream: process.stdout })
}

import { actionBetween, actionRow } from '#src/domain/actions.ts'
import type { Actor } from '#src/domain/actor.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { exceededLimit } from '#src/domain/budget.ts'
import type { Control } from '#src/domain/control.ts'
import type { AgentEventName, EventName } from '#src/domain/events.ts'
import type { AgentEventFrame, EventFrame } from '#src/protocol/messages/event.ts'
import { type Names, sayCause, unusualMode } from './causes.ts'
import type { Failed } from './failures.ts'
import { formatExactMoney, formatMoney, formatShort, plural } from './format.ts'
import { isOfAgent } from './of-agent.ts'
import { hasEndedItself, isLost } from './progress.ts'
import { sayEnding } from './requests.ts'

/** The events as a reader of the log chooses them. */
export const eventWords: Record<EventName, string> = {
  'agent.spawned': 'Agent spawned',
  'agent.status_changed': 'Status changed',
  'agent.updated': 'Agent updated',
  'agent.terminated': 'Agent terminated',
  'agent.budget_exceeded': 'Limit reached',
  'agent.runtime_connected': 'Runtime connected',
  'agent.runtime_disconnected': 'Runtime disconnected',
  'agent.signal_sent': 'Command or message sent',
  'agent.signal_acknowledged': 'Command done or failed',
  'agent.signal_overdue': 'Command overdue',
  'agent.request_opened': 'Request opened',
  'agent.request_ended': 'Request ended',
  'project.hold_placed': 'Hold placed',
  'project.hold_released': 'Hold released',
  'project.budget_warning': 'Budget warning',
  'project.budget_exceeded': 'Budget used up',
}

/** What a reader can filter the feed by. */
export const eventKinds = [
  'status',
  'commands',
  'requests',
  'runtimes',
  'holds',
  'budgets',
  'updates',
] as const
export type EventKind = (typeof eventKinds)[number]

type Wording = {
  kind: EventKind
  say: (event: AgentEventFrame, names: AgentNames, before: AgentSummary | undefined) => string
}
type ProjectWording = { kind: EventKind; say: (event: EventFrame) => string }
type AgentNames = Pick<Names, 'agent'>

const signalName = ({ signal, agent }: AgentEventFrame) => signal?.kind ?? agent.control?.kind ?? 'command'

/** Every event of an agent in words. A new event without a row here does not compile. */
const wordings: Record<AgentEventName, Wording> = {
  'agent.spawned': { kind: 'status', say: describeSpawn },
  'agent.status_changed': { kind: 'status', say: describeChange },
  'agent.updated': { kind: 'updates', say: describeUpdate },
  'agent.terminated': { kind: 'status', say: describeChange },
  'agent.budget_exceeded': { kind: 'budgets', say: describeBudget },
  'agent.runtime_connected': { kind: 'runtimes', say: () => 'runtime connected' },
  'agent.runtime_disconnected': {
    kind: 'runtimes',
    say: ({ agent }) => (agent.status === 'terminated' ? 'runtime disconnected' : 'runtime lost'),
  },
  'agent.signal_sent': { kind: 'commands', say: describeSent },
  'agent.signal_acknowledged': { kind: 'commands', say: (event) => `${signalName(event)} ${outcome(event)}` },
  'agent.signal_overdue': { kind: 'commands', say: (event) => `${signalName(event)} overdue` },
  'agent.request_opened': { kind: 'requests', say: ({ request }) => `asks: ${toLine(request?.message)}` },
  'agent.request_ended': { kind: 'requests', say: describeRequestEnd },
}

/** Every event of a project itself in words. */
const projectWordings: Record<Exclude<EventName, AgentEventName>, ProjectWording> = {
  'project.hold_placed': { kind: 'holds', say: ({ hold }) => `hold placed: ${toLine(hold?.reason)}` },
  'project.hold_released': { kind: 'holds', say: ({ hold }) => `hold released: ${toLine(hold?.reason)}` },
  'project.budget_warning': {
    kind: 'budgets',
    say: ({ budget, fraction }) =>
      `budget ${toLine(budget?.name)} is at ${Math.round((fraction ?? 0) * 100)} %`,
  },
  'project.budget_exceeded': {
    kind: 'budgets',
    say: ({ budget }) => `budget ${toLine(budget?.name)} is used up`,
  },
}

function describeSpawn({ agent }: AgentEventFrame, names: AgentNames): string {
  return withCause(`spawned, ${agent.status}`, agent, names)
}

function describeChange({ agent, from, to }: AgentEventFrame, names: AgentNames): string {
  const control = controlOf({ agent, from, to })
  if (hasEndedItself(agent)) return `${from} → ended`
  const change = `${from} → ${to}`
  if (!control) return change
  // What the runtime did by itself is done; of an order nothing is known yet but that it was sent.
  if (control.state === 'done') return withCause(change, agent, names)
  return withCause(`${control.kind} sent${from === 'paused' ? '' : ` while ${from}`}`, agent, names)
}

/** The command that a change of status amounts to, which is then the agent's newest. */
function controlOf({ agent, from, to }: Pick<AgentEventFrame, 'agent' | 'from' | 'to'>): Control | undefined {
  const action = from && to && actionBetween(from, to)
  const isItsOwn = action && agent.control?.kind === actionRow(action).signal
  return isItsOwn ? (agent.control ?? undefined) : undefined
}

function withCause(what: string, agent: AgentEventFrame['agent'], names: AgentNames): string {
  const mode = unusualMode(agent.control?.mode)
  const cause = sayCause(agent, names)
  return `${what}${mode ? ` (${mode})` : ''}${cause ? `, ${cause}` : ''}`
}

/** Of control signals only those that are sent again have such an event. */
function describeSent({ signal, agent }: AgentEventFrame, names: AgentNames): string {
  if (!signal || signal.kind === 'message') return 'message sent'
  return withCause(`${signal.kind} sent again`, agent, names)
}

function describeBudget({ agent, signal }: AgentEventFrame): string {
  return `${exceededLimit(agent) ?? 'limit'} reached${signal ? ', pause sent' : ''}`
}

/** An update carries the state after it; the delivery of a signal shows in the agent's control. */
function describeUpdate({ agent, actor }: AgentEventFrame, _: AgentNames, before?: AgentSummary): string {
  if (actor.kind === 'system' && agent.control?.state === 'delivered') return `${agent.control.kind} received`
  const difference = before && describeDifference(before, agent, actor)
  // What a person changes is never the use.
  return difference || (actor.kind === 'user' ? 'updated' : describeUse(agent))
}

function describeUse({ tokens_used, cost_incurred }: AgentSummary): string {
  return `${formatShort(tokens_used)} tokens, ${formatMoney(Number(cost_incurred))} total`
}

/** What an update has changed; empty for what the page does not show. */
function describeDifference(before: AgentSummary, after: AgentSummary, actor: Actor): string {
  const tokens = after.tokens_used - before.tokens_used
  const cost = Number(after.cost_incurred) - Number(before.cost_incurred)
  const tasks = after.tasks_completed - before.tasks_completed
  const isLimited = after.token_limit !== before.token_limit || after.cost_limit !== before.cost_limit
  const isLabelled = JSON.stringify(after.labels) !== JSON.stringify(before.labels)
  const parts = [
    after.current_task !== before.current_task && sayTask(after.current_task, actor),
    tasks > 0 && `${plural(tasks, 'task')} completed`,
    tokens !== 0 &&
      `${tokens > 0 ? '+' : '−'}${formatShort(Math.abs(tokens))} ${Math.abs(tokens) === 1 ? 'token' : 'tokens'}`,
    Math.abs(cost) >= 0.0001 && `${cost > 0 ? '+' : '−'}${formatExactMoney(Math.abs(cost))}`,
    isLimited && describeLimits(after),
    isLabelled && 'labels changed',
  ]
  return parts.filter((part) => part !== false).join(', ')
}

/** A runtime starts its task; a person sets one. */
function sayTask(task: string | null, { kind }: Actor): string {
  if (kind === 'user') return task === null ? 'task cleared' : `task set to “${toLine(task)}”`
  return task === null ? 'left its task' : `started “${toLine(task)}”`
}

function describeLimits({ token_limit, cost_limit }: AgentSummary): string {
  const limits = [
    token_limit !== null && `${formatShort(token_limit)} tokens`,
    cost_limit !== null && formatMoney(Number(cost_limit)),
  ].filter((limit) => limit !== false)
  return limits.length > 0 ? `limit now ${limits.join(' and ')}` : 'no limit any more'
}

/** The question comes last: it may be long. */
function describeRequestEnd({ request }: EventFrame): string {
  return request ? `request ${sayEnding(request)}: ${toLine(request.message)}` : 'request ended'
}

const MAX_LINE = 200

/** One line of a message of any length. */
function toLine(message = ''): string {
  const line = message.replaceAll(/\s+/g, ' ').trim()
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line
}

function outcome({ signal, agent }: AgentEventFrame): string {
  const isControl = signal !== undefined && signal.id === agent.control?.signal_id
  if (!isControl) return 'acknowledged'
  return agent.control?.state === 'failed' ? 'failed' : 'done'
}

const rows: Readonly<Partial<Record<string, { kind: EventKind }>>> = { ...wordings, ...projectWordings }

/** A newer server may send events that this page does not know. */
export const kindOf = ({ name }: EventFrame): EventKind => rows[name]?.kind ?? 'updates'

/** `before`: the agent before the event, as far as it is known. */
export function sayEvent(event: EventFrame, names: AgentNames, before?: AgentSummary): string {
  const { name } = event
  if (isOfAgent(event) && isKnown(wordings, name)) return wordings[name].say(event, names, before)
  return isKnown(projectWordings, name) ? projectWordings[name].say(event) : name
}

function isKnown<Name extends string>(table: Record<Name, unknown>, name: string): name is Name {
  return Object.hasOwn(table, name)
}

const alarms: readonly EventName[] = [
  'agent.signal_overdue',
  'agent.budget_exceeded',
  'project.budget_exceeded',
]

const warnings: readonly EventName[] = [
  'project.budget_warning',
  'project.hold_placed',
  'agent.request_opened',
]

/** How bad the news is. */
export function severityOf(event: EventFrame): 'alarming' | 'warning' | undefined {
  if (isAlarming(event)) return 'alarming'
  return warnings.includes(event.name) ? 'warning' : undefined
}

function isAlarming(event: EventFrame): boolean {
  if (event.name === 'agent.runtime_disconnected') return isOfAgent(event) && isLost(event.agent)
  return failedIn(event) !== undefined || alarms.includes(event.name)
}

/** The command that the event reports as failed. */
export function failedIn(event: EventFrame): Failed | undefined {
  const { name, project_id, signal } = event
  if (name !== 'agent.signal_acknowledged' || !isOfAgent(event) || !signal) return undefined
  if (outcome(event) !== 'failed') return undefined
  return { project_id, agent_id: event.agent.id, signal_id: signal.id }
}

/** The message that the event reports as acknowledged: only its signal says how. */
export function acknowledgedMessage(event: EventFrame): Failed | undefined {
  const { name, project_id, signal } = event
  if (name !== 'agent.signal_acknowledged' || !isOfAgent(event) || signal?.kind !== 'message')
    return undefined
  return { project_id, agent_id: event.agent.id, signal_id: signal.id }
}

/** The reason that a person or program gave with the command; the server's own reasons are in the event's words. */
export function reasonOf({ signal, name, actor, agent }: EventFrame): string | undefined {
  const cause = agent?.control?.cause
  const isOfHold = cause?.kind === 'hold' || (cause?.kind === 'budget' && cause.id !== null)
  // The words of a limit that is reached say it already.
  if (name === 'agent.signal_acknowledged' || name === 'agent.budget_exceeded') return undefined
  if (actor.kind === 'system' && !isOfHold) return undefined
  return signal?.reason ?? undefined
}

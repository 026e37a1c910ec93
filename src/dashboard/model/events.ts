import type { EventName } from '#src/domain/events.ts'
import type { EventFrame } from '#src/protocol/frames.ts'
import { formatMoney, formatShort } from './format.ts'

type Told = {
  /** What a feed can be narrowed to. */
  kind: 'status' | 'orders' | 'runtimes' | 'budgets' | 'updates'
  say: (event: EventFrame) => string
}

const signalName = ({ signal, agent }: EventFrame) => signal?.kind ?? agent.control?.kind ?? 'signal'

/** Every event in words. A new one without a row here does not compile. */
const told: Record<EventName, Told> = {
  'agent.spawned': { kind: 'status', say: ({ agent }) => `spawned, ${agent.status}` },
  'agent.status_changed': { kind: 'status', say: ({ from, to }) => `${from} → ${to}` },
  'agent.updated': { kind: 'updates', say: describeUpdate },
  'agent.terminated': { kind: 'status', say: ({ from }) => `${from} → terminated` },
  'agent.budget_exceeded': { kind: 'budgets', say: () => 'reached its budget, paused' },
  'agent.runtime_connected': { kind: 'runtimes', say: () => 'runtime connected' },
  'agent.runtime_disconnected': { kind: 'runtimes', say: () => 'runtime lost' },
  'agent.signal_sent': { kind: 'orders', say: () => 'message sent' },
  'agent.signal_acknowledged': { kind: 'orders', say: (event) => `${signalName(event)} ${outcome(event)}` },
  'agent.signal_overdue': { kind: 'orders', say: (event) => `${signalName(event)} overdue` },
}

export type EventKind = Told['kind']
export const eventKinds = [
  'status',
  'orders',
  'runtimes',
  'budgets',
  'updates',
] as const satisfies EventKind[]

/** An update says what is, not what was: a delivery shows in the order of the agent. */
function describeUpdate({ agent, actor }: EventFrame): string {
  if (actor.kind === 'system' && agent.control?.state === 'delivered')
    return `${agent.control.kind} delivered`
  return `at ${formatShort(agent.tokens_used)} tokens, ${formatMoney(Number(agent.cost_incurred))}`
}

function outcome({ signal, agent }: EventFrame): string {
  const isControl = signal !== undefined && signal.id === agent.control?.signal_id
  return isControl && agent.control?.state === 'failed' ? 'failed' : 'acknowledged'
}

export const kindOf = ({ name }: EventFrame): EventKind => told[name].kind
export const sayEvent = (event: EventFrame): string => told[event.name].say(event)

/** Why, where somebody said so: with the order that the event issues. */
export function reasonOf({ signal, name }: EventFrame): string | undefined {
  return name === 'agent.signal_acknowledged' ? undefined : (signal?.reason ?? undefined)
}

import { refuse } from './errors.ts'

/** The next statuses that each status allows. */
export const transitions = {
  idle: ['working', 'paused', 'terminated'],
  working: ['idle', 'waiting', 'paused', 'terminated'],
  waiting: ['idle', 'working', 'paused', 'terminated'],
  paused: ['idle', 'terminated'],
  terminated: [],
} as const satisfies Record<string, readonly string[]>

export type AgentStatus = keyof typeof transitions
export const agentStatuses = Object.keys(transitions) as AgentStatus[]

export function canTransition(from: AgentStatus, to: AgentStatus): boolean {
  return (transitions[from] as readonly AgentStatus[]).includes(to)
}

export function transitionMessage(from: AgentStatus, to: AgentStatus): string {
  return `Cannot transition from ${from} to ${to}`
}

export function assertTransition(from: AgentStatus, to: AgentStatus): void {
  if (!canTransition(from, to)) throw refuse('invalid', transitionMessage(from, to), 'status')
}

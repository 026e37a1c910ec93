import { type AgentStatus, agentStatuses, transitionMessage } from './lifecycle.ts'

/** How soon a runtime obeys: at the next safe point, or at once in the middle of its work. */
export type Mode = 'checkpoint' | 'interrupt' | 'graceful' | 'now'

type Action = {
  to: AgentStatus
  /** The only status that allows it; if absent, the lifecycle decides. */
  only_from?: AgentStatus
  /** The refusal if the agent has the status already; if absent, the lifecycle's. */
  already?: string
  /** The kind of control signal that tells the runtime. */
  signal: string
  /** How it may be obeyed, the default first. */
  modes: readonly Mode[]
  /** `Pause` on a button, `paused` in a message. */
  verb: string
  past: string
  /** The key that triggers it in the dashboard. */
  key: string
  /** The descendants of the agent that it reaches, too. */
  reaches: 'all' | 'those_paused_with_it'
  /** Whether an agent that has the status already may get the order again. */
  is_repeatable: boolean
  /** Whether it can end by itself (`resume_after`). */
  has_timer: boolean
  /** Whether it can't be undone, so that people confirm it first. */
  is_final: boolean
}

/** The actions of operators on agents. A new action is one row; routes, command line and dashboard loop over the rows. */
export const actions = {
  pause: {
    to: 'paused',
    signal: 'pause',
    modes: ['checkpoint', 'interrupt'],
    verb: 'Pause',
    past: 'paused',
    key: 'p',
    reaches: 'all',
    is_repeatable: true,
    has_timer: true,
    is_final: false,
  },
  resume: {
    to: 'idle',
    only_from: 'paused',
    signal: 'resume',
    modes: [],
    verb: 'Resume',
    past: 'resumed',
    key: 'r',
    reaches: 'those_paused_with_it',
    is_repeatable: false,
    has_timer: false,
    is_final: false,
  },
  terminate: {
    to: 'terminated',
    already: 'Agent is already terminated',
    signal: 'terminate',
    modes: ['graceful', 'now'],
    verb: 'Terminate',
    past: 'terminated',
    key: 't',
    reaches: 'all',
    is_repeatable: true,
    has_timer: false,
    is_final: true,
  },
} as const satisfies Record<string, Action>

export type ActionName = keyof typeof actions
export const actionNames = Object.keys(actions) as ActionName[]

export function actionRow(name: ActionName): Action {
  return actions[name]
}

/** The modes of all actions. */
export const modes = actionNames.flatMap((name) => actionRow(name).modes)

/** The mode of an action that was asked for without one; null if the action has no modes. */
export function defaultMode(name: ActionName): Mode | null {
  return actionRow(name).modes[0] ?? null
}

/** The action that a change of status amounts to, if any. Only these send a signal to the runtime. */
export function actionBetween(from: AgentStatus, to: AgentStatus): ActionName | undefined {
  return actionNames.find((name) => {
    const { to: target, only_from }: Action = actions[name]
    return target === to && (only_from === undefined || only_from === from)
  })
}

/** The status that made the server refuse an action, read from the refusal; undefined for any other refusal. */
export function statusRefusing(name: ActionName, message: string): AgentStatus | undefined {
  const { to, already } = actionRow(name)
  if (message === already) return to
  return agentStatuses.find((from) => message === transitionMessage(from, to))
}

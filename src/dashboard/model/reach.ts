import { type ActionName, actionNames, actionRow } from '#src/domain/actions.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { ControlKind } from '#src/domain/control.ts'
import { canTransition } from '#src/domain/lifecycle.ts'
import type { Trees } from './trees.ts'

type Ordered = Pick<AgentSummary, 'status' | 'control' | 'runtime'>

/** The action that sends this kind of signal. */
export function actionOf(kind: ControlKind): ActionName | undefined {
  return actionNames.find((name) => actionRow(name).signal === kind)
}

/** Whether an agent in this status can take the action. */
export function canTake({ status }: Pick<AgentSummary, 'status'>, action: ActionName): boolean {
  const { to, only_from } = actionRow(action)
  return only_from ? status === only_from : canTransition(status, to)
}

/** Whether the agent has taken the action, but its runtime has not done it yet, so that it can be sent once more. */
export function canRepeat({ status, control, runtime }: Ordered, action: ActionName): boolean {
  const { to, signal, is_repeatable } = actionRow(action)
  // A runtime that was never attached shows itself when it fetches the order over HTTP.
  const hasRuntime = runtime.since !== null || control?.state !== 'pending'
  if (!is_repeatable || status !== to || !hasRuntime) return false
  return control?.kind === signal && control.state !== 'done'
}

/** What an operator can order the agent, with what can be sent once more first. */
export function possibleOrders(agent: Ordered): { action: ActionName; isAgain: boolean }[] {
  const again = actionNames.filter((action) => canRepeat(agent, action))
  const able = actionNames.filter((action) => canTake(agent, action))
  return [
    ...again.map((action) => ({ action, isAgain: true })),
    ...able.map((action) => ({ action, isAgain: false })),
  ]
}

type Known = { agents: ReadonlyMap<string, AgentSummary>; trees: Trees }
export type Reached = { action: ActionName; ids: readonly string[]; isAgain: boolean }

/** The agents below these that the server would order too, as far as is known here. */
export function reachedBelow({ agents, trees }: Known, { action, ids, isAgain }: Reached): AgentSummary[] {
  const resumed = new Set(ids)
  const reached: AgentSummary[] = []
  // Parents come before their children.
  for (const id of trees.descendants(ids)) {
    const agent = agents.get(id)
    if (!agent || !isReached(agent, { action, isAgain, resumed })) continue
    resumed.add(id)
    reached.push(agent)
  }
  return reached
}

type Order = Pick<Reached, 'action' | 'isAgain'> & { resumed: ReadonlySet<string> }

function isReached(agent: AgentSummary, { action, isAgain, resumed }: Order): boolean {
  if (isAgain) return canRepeat(agent, action)
  if (!canTake(agent, action)) return false
  if (actionRow(action).reaches === 'all') return true
  const cause = agent.control?.cause
  return cause?.kind === 'parent' && resumed.has(cause.id ?? '')
}

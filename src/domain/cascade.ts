import { actionRow } from './actions.ts'
import type { AgentState } from './agent.ts'
import { reasonToStay } from './budget.ts'
import { applyTransition, type Change, type ControlRequest, type DecisionContext } from './change.ts'
import type { Control } from './control.ts'
import { canTransition } from './lifecycle.ts'
import { decideRepeat, mayRepeat } from './orders.ts'

/** An order as descendants follow it: who took it, and what they were ordered. */
type Order = { by: string; control: Control }
/** `isFirst`: it changed the status of an agent above; `isRepeat`: it was sent again to one above. */
type Reach = Order & { isFirst: boolean; isRepeat: boolean }

/**
 * One order on its way down through trees. A pause and a terminate reach every descendant; sent again, those that have not
 * obeyed either; a resume reaches exactly those that were paused under an agent that resumes. Agents come with parents
 * before their children, each once.
 */
export class Cascade {
  readonly #again: boolean
  /** By agent with children: what reaches everybody below it. */
  readonly #reaching = new Map<string, Reach>()
  /** By agent with children: its own resume. */
  readonly #resumed = new Map<string, Order>()

  /** `again`: the order is also sent again to descendants of an agent that takes it for the first time. */
  constructor({ again = false }: { again?: boolean } = {}) {
    this.#again = again
  }

  /** `named`: what the agent does because the order names it. Without that it follows the orders above it, if it can. */
  next(agent: AgentState, named: Change | undefined, context: DecisionContext): Change | undefined {
    const above = agent.parent_id === null ? undefined : this.#reaching.get(agent.parent_id)
    const change = named ?? this.#resumeWith(agent, context) ?? (above && obey(agent, above, context))
    if (agent.has_children) this.#note(agent, { change, isNamed: named !== undefined, above })
    return change
  }

  #resumeWith(agent: AgentState, context: DecisionContext): Change | undefined {
    const cause = agent.status === 'paused' ? agent.control?.cause : undefined
    if (cause?.kind !== 'parent' || cause.id === null) return undefined
    const resumed = this.#resumed.get(cause.id)
    if (!resumed || reasonToStay(agent, context.holds)) return undefined
    return applyTransition(agent, { to: 'idle', action: 'resume', request: follow(resumed) }, context)
  }

  #note(
    agent: AgentState,
    { change, isNamed, above }: { change: Change | undefined; isNamed: boolean; above: Reach | undefined },
  ): void {
    const control = change && orderTaken(agent, change.agent)
    const own = control && { by: agent.id, control }
    const reachesAll = own && actionRow(own.control.kind).reaches === 'all'
    if (own && !reachesAll) this.#resumed.set(agent.id, own)
    if (own && reachesAll && isNamed) {
      const isFirst = change.agent.status !== agent.status
      this.#reaching.set(agent.id, {
        ...own,
        isFirst: isFirst || (above?.isFirst ?? false),
        isRepeat: !isFirst || this.#again || (above?.isRepeat ?? false),
      })
    } else if (above) this.#reaching.set(agent.id, above)
  }
}

function obey(agent: AgentState, above: Reach, context: DecisionContext): Change | undefined {
  const action = above.control.kind
  const { to } = actionRow(action)
  if (above.isRepeat && mayRepeat(agent, action)) {
    return decideRepeat(agent, { ...follow(above), action }, context)
  }
  if (!above.isFirst || !canTransition(agent.status, to)) return undefined
  return applyTransition(agent, { to, action, request: follow(above) }, context)
}

/** The order as a descendant gets it: without a timer of its own. */
function follow({ by, control: { reason, mode, requested_by } }: Order): ControlRequest {
  return { reason, mode, requested_by, resume_at: null, cause: { kind: 'parent', id: by } }
}

/**
 * The order that an agent took by a change, and that its descendants follow. What a runtime did by itself, and a pause at
 * the agent's own limit, concern that agent alone.
 */
export function orderTaken(before: AgentState, { status, control }: AgentState): Control | undefined {
  if (!control || control.signal_id === before.control?.signal_id) return undefined
  const isRepeat = status === before.status && before.control !== null
  if (isRepeat) return control
  const { kind, id } = control.cause
  return kind === 'runtime' || (kind === 'budget' && id === null) ? undefined : control
}

import type { Actor } from '#src/domain/actor.ts'
import type { AgentState } from '#src/domain/agent.ts'
import { Cascade, orderTaken } from '#src/domain/cascade.ts'
import type { Change, DecisionContext } from '#src/domain/change.ts'
import { hasChildren, type LockedAgent, lockTrees } from '#src/store/agents.ts'
import { holdSpawnLock } from '#src/store/projects.ts'
import { commit } from './commit.ts'
import type { CommandContext } from './context.ts'
import { decideInSlices, topDown } from './fleet-order.ts'
import type { UnitOfWork } from './unit-of-work.ts'
import { agentOf, type ChangeRequest, LazyContext, writeBatch } from './write-batch.ts'

/** `unobeyed`: it also concerns terminated descendants whose runtimes have not obeyed. */
type Reaching = { unobeyed: boolean }
type Decide = (agent: AgentState, context: DecisionContext) => Change | undefined

/**
 * A change of one agent, which its descendants follow if it is an order, all in one transaction. An agent without children,
 * and what turns out to be no order, goes through the write queue. In the caller's transaction it must be known before the
 * agent is locked, since the spawn lock comes first.
 */
export async function orderAgent(
  context: CommandContext,
  request: ChangeRequest,
  reaching: Reaching = { unobeyed: false },
): Promise<AgentState> {
  if (!context.isJoined || !(await hasChildren(context.database, request))) {
    let isFollowed = false
    const agent = await context.writes.submit({
      ...request,
      decide(before, ...inputs) {
        const change = request.decide(before, ...inputs)
        isFollowed =
          change !== undefined && before.has_children && orderTaken(before, change.agent) !== undefined
        return isFollowed ? undefined : change
      },
    })
    if (!isFollowed) return agent
  }
  return commit(context, (work) => orderTree(work, request, reaching))
}

async function orderTree(
  work: UnitOfWork,
  request: ChangeRequest,
  { unobeyed }: Reaching,
): Promise<AgentState> {
  const { agent_id, project_id, actor } = request
  const cascade = new Cascade()
  // Sent in this order, which is that of the locks, in one round trip.
  const [locked, settled] = await Promise.all([
    lockWholeTrees(work, { project_id, ids: [agent_id], unobeyed }),
    writeBatch(work, [
      {
        ...request,
        decide: (agent, context, find) => cascade.next(agent, request.decide(agent, context, find), context),
      },
    ]),
  ])
  const ordered = agentOf(settled)
  const others = locked.filter(({ id }) => id !== agent_id)
  await decideTrees(work, others, { actor, cascade, decideNamed: () => undefined })
  return ordered
}

/** Locks the named agents with their descendants. The spawn lock keeps others from being added. */
export async function lockWholeTrees(
  { sql }: UnitOfWork,
  trees: Parameters<typeof lockTrees>[1],
): Promise<LockedAgent[]> {
  const [, locked] = await Promise.all([holdSpawnLock(sql, trees.project_id), lockTrees(sql, trees)])
  return locked
}

type TreeOrder = {
  actor: Actor
  /** Without it, no descendant follows. */
  cascade: Cascade | undefined
  /** What an agent does because the order names it. */
  decideNamed: Decide
  /** Gets the agent as it was before. */
  onChanged?: (agent: AgentState, change: Change) => void
}

/** Decides about locked agents: what each does itself, or because it follows another. */
export function decideTrees(
  work: UnitOfWork,
  locked: readonly LockedAgent[],
  { actor, cascade, decideNamed, onChanged }: TreeOrder,
): Promise<void> {
  return decideInSlices(work, topDown(locked), (agent) => {
    const context = new LazyContext(actor, work, agent.project_id)
    const named = decideNamed(agent, context)
    const change = cascade ? cascade.next(agent, named, context) : named
    if (!change) return
    work.apply(change, actor)
    onChanged?.(agent, change)
  })
}

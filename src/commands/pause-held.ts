import type { AgentState } from '#src/domain/agent.ts'
import { decideHolds, followHeld } from '#src/domain/holding.ts'
import {
  type ChildToHold,
  listAgentsToHold,
  listChildrenToHold,
  listPaused,
  moveHeldParents,
} from '#src/store/held-agents.ts'
import { HELD_AGENTS } from './bounds.ts'
import { inSlice, renewLease, type Settling, toHeldSlices } from './hold-slices.ts'
import type { TimedContext } from './timed-resumes.ts'
import type { UnitOfWork } from './unit-of-work.ts'
import { LazyContext } from './write-batch.ts'

/**
 * Pauses what a hold applies to, then what is below that. The agents that match when this begins are all that are left: the
 * hold is committed, so any other change of the project sees it (`UnitOfWork.lockProjects`).
 */
export async function pauseHeld(context: TimedContext, settling: Settling): Promise<void> {
  for (const slice of toHeldSlices(await listAgentsToHold(context.database, settling.hold))) {
    await inSlice(context, settling, async (work) => {
      await lock(
        work,
        settling,
        slice.map(({ id }) => id),
      )
      for (const { id } of slice) pauseOne(work, settling, id)
    })
  }
  await pauseChildren(context, settling)
}

async function lock(work: UnitOfWork, settling: Settling, ids: readonly string[]): Promise<void> {
  const { project_id } = settling.hold
  await Promise.all([
    work.lockAgents(ids.map((agent_id) => ({ agent_id, project_id, ignores_memory: true }))),
    work.lockProjects([project_id]),
  ])
  await renewLease(work, settling)
}

/** The agent after it; undefined if it was deleted with its project. */
function pauseOne(
  work: UnitOfWork,
  { hold: { project_id, created_by } }: Settling,
  agent_id: string,
): AgentState | undefined {
  const agent = work.find({ agent_id, project_id })
  const change = agent && decideHolds(agent, new LazyContext(created_by, work, project_id))
  if (!change) return agent
  const after = work.apply(change, created_by)
  if (change.issued) work.holds.followedBy(after)
  return after
}

/**
 * Level by level, from notes in the database of whose children come next: a tree may be too large for one transaction, and what
 * a person resumes by hand below a held agent is not paused again after a crash.
 */
async function pauseChildren(context: TimedContext, settling: Settling): Promise<void> {
  const { id } = settling.hold
  for (;;) {
    const rows = await listChildrenToHold(context.database, id, HELD_AGENTS)
    if (rows.length === 0) return
    await inSlice(context, settling, async (work) => {
      await lock(
        work,
        settling,
        rows.flatMap((row) => row.id ?? []),
      )
      const ids = [...new Set(rows.map(({ by_id }) => by_id))]
      const stopped = new Map((await listPaused(work.sql, ids)).map((agent) => [agent.id, agent]))
      for (const row of rows) pauseChild(work, settling, row, stopped.get(row.by_id))
      moveHeldParents(work.sql, id, placeOf(rows))
    })
  }
}

type Stopped = Pick<AgentState, 'id' | 'control'>

/** Nothing follows an agent that runs again. A child that the hold has paused itself has its own followers. */
function pauseChild(
  work: UnitOfWork,
  settling: Settling,
  { id }: ChildToHold,
  stopped: Stopped | undefined,
): void {
  if (id === null || !stopped) return
  const { hold } = settling
  const agent = pauseOne(work, settling, id)
  if (!agent) return
  const change = followHeld(agent, stopped, new LazyContext(hold.created_by, work, hold.project_id))
  if (change) {
    work.apply(change, hold.created_by)
    work.holds.count(hold.id)
  }
  const isHeldItself = agent.status === 'paused' && agent.control?.cause.id === hold.id
  if (agent.has_children && !isHeldItself)
    work.holds.follow({ hold_id: hold.id, agent_id: id, by_id: stopped.id })
}

/** Fewer rows than were asked for are all that there were. */
function placeOf(rows: readonly ChildToHold[]): Parameters<typeof moveHeldParents>[2] {
  const parents = [...new Set(rows.map(({ agent_id }) => agent_id))]
  const last = rows.at(-1)
  if (rows.length < HELD_AGENTS || !last || last.id === null) return { ended: parents, last: undefined }
  return { ended: parents.slice(0, -1), last: { agent_id: last.agent_id, id: last.id } }
}

import { system } from '#src/domain/actor.ts'
import type { AgentState } from '#src/domain/agent.ts'
import { Cascade } from '#src/domain/cascade.ts'
import { decideHolds, isOfHold } from '#src/domain/holding.ts'
import { addSeconds } from '#src/domain/time.ts'
import { type LockedAgent, lockNamedAgents } from '#src/store/agents.ts'
import { countPausedWith, type HeldAgent, listHeldAgents, listRunningCauses } from '#src/store/held-agents.ts'
import { countResumed } from '#src/store/hold-work.ts'
import { inSlice, renewLease, type Settling, toHeldSlices } from './hold-slices.ts'
import type { TimedContext } from './timed-resumes.ts'
import { decideTrees, lockWholeTrees } from './tree-order.ts'
import type { UnitOfWork } from './unit-of-work.ts'

/**
 * Takes a released hold from its agents, and resumes those that are to go on: at once, or each at a time of its own, which
 * the timers of pauses then see to (`timed-resumes.ts`).
 */
export async function resumeHeld(context: TimedContext, settling: Settling): Promise<void> {
  const held = await listHeldAgents(context.database, settling.hold)
  const waiting = held.filter(({ may_resume }) => may_resume).length
  for (const slice of toHeldSlices(held)) {
    await inSlice(context, settling, (work) => resumeSlice(work, settling, { slice, waiting }))
  }
}

type Part = { slice: readonly HeldAgent[]; waiting: number }

async function resumeSlice(work: UnitOfWork, settling: Settling, { slice, waiting }: Part): Promise<void> {
  const { hold } = settling
  const { id, project_id, over_seconds } = hold
  const locked = await lockWithTrees(work, project_id, slice)
  await work.lockProjects([project_id])
  const { scheduled_count } = await renewLease(work, settling)
  const ids = locked.map((agent) => agent.id)
  work.holds.noteRunning(await listRunningCauses(work.sql, ids))
  const scheduled: string[] = []
  let resumed = 0
  await decideTrees(work, locked, {
    actor: hold.released_by ?? system,
    cascade: new Cascade(),
    decideNamed(agent, inputs) {
      const place = scheduled_count + scheduled.length
      const at = over_seconds > 0 ? timeOf(settling, place, scheduled_count + waiting) : undefined
      return decideHolds(agent, inputs, at)
    },
    onChanged(agent, { agent: after }) {
      if (agent.status === 'paused' && after.status !== 'paused') resumed++
      else if (isScheduled(agent, after)) scheduled.push(agent.id)
    },
  })
  const following = await countPausedWith(work.sql, project_id, scheduled)
  countResumed(work.sql, id, {
    resumed: resumed + scheduled.length + following,
    scheduled: scheduled.length,
  })
}

/** The time of one of `total` agents, spread evenly over the seconds. After a crash the others keep their times. */
function timeOf({ hold }: Settling, place: number, total: number): string {
  const { released_at, over_seconds } = hold
  return addSeconds(released_at ?? hold.created_at, (over_seconds * place) / Math.max(total, place + 1))
}

function isScheduled(before: AgentState, { status, holds, resume_at, control }: AgentState): boolean {
  if (status !== 'paused' || before.holds.length === 0 || holds.length > 0 || resume_at === null) return false
  return resume_at !== before.resume_at || (control !== null && isOfHold(control.cause))
}

/** Those that were paused with an agent resume with it. */
async function lockWithTrees(
  work: UnitOfWork,
  project_id: string,
  slice: readonly HeldAgent[],
): Promise<LockedAgent[]> {
  const ids = slice.map(({ id }) => id)
  if (slice.some(({ has_children }) => has_children))
    return lockWholeTrees(work, { project_id, ids, unobeyed: false })
  return lockNamedAgents(work.sql, project_id, ids)
}

import { v7 as uuid } from 'uuid'
import type { Actor } from '#src/domain/actor.ts'
import type { Hold } from '#src/domain/hold.ts'
import { countActiveHolds, insertHold, releaseHoldRow, sendHold } from '#src/store/holds.ts'
import type { UnitOfWork } from './unit-of-work.ts'

export type NewHold = Pick<
  Hold,
  'group_id' | 'reason' | 'selector' | 'agent_type_id' | 'mode' | 'until' | 'cause' | 'created_by'
> & { project_id: string }

/**
 * Places a hold in the caller's transaction, which has locked the project, with its event. From the commit on no agent that
 * matches can be spawned, resumed or relabelled into anything but `paused`; those that there are get paused by
 * `settle-holds.ts`. Undefined: the project has a hold of this group already.
 */
export async function placeHold(
  work: UnitOfWork,
  { project_id, group_id, reason, selector, agent_type_id, mode, until, cause, created_by }: NewHold,
): Promise<Hold | undefined> {
  const hold: Hold = {
    id: uuid(),
    project_id,
    group_id,
    reason,
    selector,
    agent_type_id,
    mode,
    until,
    cause,
    created_by,
    created_at: work.now,
    released_at: null,
    released_by: null,
    affected_count: 0,
  }
  if (!(await insertHold(work.sql, hold))) return undefined
  countActiveHolds(work.sql, project_id)
  await work.holds.read([project_id])
  work.logOfProject(project_id, { name: 'project.hold_placed', hold }, created_by)
  return hold
}

/**
 * Places the hold of a budget as `placeHold` does, in the midst of a decision: what is decided after it in this transaction
 * sees it. No other hold stands in its way.
 */
export function placeBudgetHold(
  work: UnitOfWork,
  hold: Omit<Hold, 'created_at' | 'released_at' | 'released_by' | 'affected_count'> & { project_id: string },
): void {
  const placed = {
    ...hold,
    created_at: work.now,
    released_at: null,
    released_by: null,
    affected_count: 0,
  }
  sendHold(work.sql, placed)
  countActiveHolds(work.sql, hold.project_id)
  work.holds.add(placed)
  work.logOfProject(hold.project_id, { name: 'project.hold_placed', hold: placed }, hold.created_by)
}

type Ending = { released_by: Actor; over_seconds?: number }

/**
 * Releases a locked hold of a locked project in the caller's transaction, with its event. `settle-holds.ts` resumes the
 * agents.
 */
export async function endHold(
  work: UnitOfWork,
  hold: Hold & { project_id: string },
  { released_by, over_seconds = 0 }: Ending,
): Promise<Hold> {
  const released: Hold = { ...hold, released_at: work.now, released_by }
  releaseHoldRow(work.sql, hold.id, {
    released_at: work.now,
    released_by,
    over_seconds,
  })
  countActiveHolds(work.sql, hold.project_id)
  await work.holds.read([hold.project_id])
  work.logOfProject(hold.project_id, { name: 'project.hold_released', hold: released }, released_by)
  return released
}

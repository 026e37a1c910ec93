import { type Principal, toActor } from '#src/domain/access.ts'
import type { Actor } from '#src/domain/actor.ts'
import { notFound, refuse } from '#src/domain/errors.ts'
import type { Hold } from '#src/domain/hold.ts'
import { writeAudit } from '#src/store/audit.ts'
import { findBudget } from '#src/store/budgets.ts'
import type { Sql } from '#src/store/database.ts'
import { lockGlobalHolds } from '#src/store/global-holds.ts'
import { lockHold, releaseHoldRow } from '#src/store/holds.ts'
import { commit } from './commit.ts'
import { endHold } from './hold-changes.ts'
import type { TimedContext } from './timed-resumes.ts'

/** `project_id`: null for a hold of all projects. */
type Target = { hold_id: string; project_id: string | null }
type Release = {
  released_by: Actor
  over_seconds?: number
  check?: (hold: Hold, sql: Sql) => void | Promise<void>
}

/** Releases a hold; one that is released already stays as it is. `check` may refuse. */
export function releaseAnyHold(context: TimedContext, target: Target, release: Release): Promise<void> {
  const { project_id, hold_id } = target
  if (project_id === null) return releaseGroup(context, hold_id, release)
  const database = context.turns.share(context.database, project_id)
  return commit({ ...context, database }, async (work) => {
    await work.lockProjects([project_id])
    const hold = await findToRelease(work.sql, target, release)
    if (hold) await endHold(work, { ...hold, project_id }, release)
  })
}

function releaseGroup({ database, clock }: TimedContext, hold_id: string, release: Release): Promise<void> {
  return database.transaction(async (sql) => {
    await lockGlobalHolds(sql)
    const hold = await findToRelease(sql, { hold_id, project_id: null }, release)
    if (!hold) return
    const { released_by, over_seconds = 0 } = release
    releaseHoldRow(sql, hold_id, { released_at: clock(), released_by, over_seconds })
  })
}

async function findToRelease(
  sql: Sql,
  target: Target,
  { check, released_by }: Release,
): Promise<Hold | undefined> {
  const hold = await lockHold(sql, target)
  if (hold) await check?.(hold, sql)
  if (!hold || hold.released_at !== null) return undefined
  const { hold_id, project_id } = target
  await writeAudit(sql, {
    action: 'hold_released',
    actor: released_by,
    target_id: hold_id,
    project_id,
    details: { reason: hold.reason },
  })
  return hold
}

/** REST `release_hold` and `release_global_hold`. Refuses with `not_found`, `forbidden`, `invalid`. */
export async function releaseHold(
  context: TimedContext,
  { principal, ...target }: Target & { principal: Principal },
  over_seconds: number,
): Promise<void> {
  let found: Hold | undefined
  await releaseAnyHold(context, target, {
    released_by: toActor(principal),
    over_seconds,
    check(hold, sql) {
      found = hold
      return assertMayRelease(sql, hold, principal)
    },
  })
  if (!found) throw notFound.hold(target.hold_id, target.project_id)
}

async function assertMayRelease(sql: Sql, hold: Hold, { role }: Principal): Promise<void> {
  const { project_id, group_id, cause, released_at } = hold
  if (group_id !== null && role !== 'superuser')
    throw refuse('forbidden', 'Only superusers release a hold of all projects')
  if (released_at !== null) throw refuse('invalid', 'Hold is already released')
  if (cause.kind !== 'budget' || cause.id === null || project_id === null) return
  // The reason of the hold has the name that it had then.
  const found = await findBudget(sql, { project_id, budget_id: cause.id }, hold.created_at)
  if (found) throw refuse('invalid', `Raise the limit of budget ${found.budget.name}`)
}

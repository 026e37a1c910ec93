import type { Hold } from '#src/domain/hold.ts'
import { LOWEST_ID } from '#src/domain/id.ts'
import { isGroupActive, listMembers, listProjectsWithout } from '#src/store/global-holds.ts'
import { type HoldClaim, renewHoldLease } from '#src/store/hold-work.ts'
import { lockHold } from '#src/store/holds.ts'
import { HELD_PROJECTS } from './bounds.ts'
import { commit } from './commit.ts'
import { endHold, placeHold } from './hold-changes.ts'
import { LeaseLost } from './hold-slices.ts'
import type { TimedContext } from './timed-resumes.ts'

type Group = { hold: Hold & { over_seconds: number }; claim: HoldClaim }

/**
 * Places or releases a hold of all projects in each of them, a transaction each, and then settles those. A project that is
 * created later brings the hold along (`createProject`).
 */
export async function settleGroup(
  context: TimedContext,
  group: Group,
  settle: (hold_id: string) => Promise<void>,
): Promise<void> {
  const { hold } = group
  if (hold.released_at === null) await placeEverywhere(context, group)
  else await forEachMember(context, group, 'active', (member) => endIn(context, hold, member))
  await forEachMember(context, group, 'unsettled', ({ id }) => settle(id))
}

async function placeEverywhere(context: TimedContext, group: Group): Promise<void> {
  for (;;) {
    await renew(context, group)
    const ids = await listProjectsWithout(context.database, group.hold.id, HELD_PROJECTS)
    if (ids.length === 0) return
    await allOf(ids.map((project_id) => placeIn(context, group.hold, project_id)))
  }
}

function placeIn(context: TimedContext, hold: Hold, project_id: string): Promise<void> {
  const database = context.turns.share(context.database, project_id)
  return commit({ ...context, database }, async (work) => {
    await work.lockProjects([project_id])
    // The group stays as it is until this is committed, so that its release finds this hold.
    if (!work.project(project_id) || !(await isGroupActive(work.sql, hold.id))) return
    await placeHold(work, { ...hold, project_id })
  })
}

function endIn(
  context: TimedContext,
  { released_by, over_seconds }: Group['hold'],
  { id, project_id }: { id: string; project_id: string },
): Promise<void> {
  const database = context.turns.share(context.database, project_id)
  return commit({ ...context, database }, async (work) => {
    await work.lockProjects([project_id])
    const hold = await lockHold(work.sql, { hold_id: id, project_id })
    if (!hold || hold.released_at !== null || !released_by) return
    await endHold(work, { ...hold, project_id }, { released_by, over_seconds })
  })
}

async function forEachMember(
  context: TimedContext,
  group: Group,
  only: 'active' | 'unsettled',
  work: (member: { id: string; project_id: string }) => Promise<void>,
): Promise<void> {
  for (let after = LOWEST_ID; ; ) {
    await renew(context, group)
    const page = await listMembers(context.database, group.hold.id, { only, after, limit: HELD_PROJECTS })
    await allOf(page.map(work))
    const last = page.at(-1)
    if (!last) return
    after = last.id
  }
}

async function renew({ database }: TimedContext, { hold, claim }: Group): Promise<void> {
  const renewed = await renewHoldLease(database, claim, hold.released_at === null)
  if (!renewed) throw new LeaseLost()
}

/** Waits for all, so that nothing goes on after a failure. */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  for (const one of await Promise.allSettled(work)) if (one.status === 'rejected') throw one.reason
}

import { setTimeout as sleep } from 'node:timers/promises'
import { v7 as uuid } from 'uuid'
import { system } from '#src/domain/actor.ts'
import {
  claimHold,
  claimHolds,
  type HoldClaim,
  listHoldsToEnd,
  markSettled,
  readHoldToSettle,
} from '#src/store/hold-work.ts'
import { SETTLE_CHECK_MS, SETTLE_WAIT_MS } from './bounds.ts'
import type { ByProject } from './by-project.ts'
import { settleGroup } from './hold-groups.ts'
import { LeaseLost } from './hold-slices.ts'
import { pauseHeld } from './pause-held.ts'
import { releaseAnyHold } from './release-hold.ts'
import { resumeHeld } from './resume-held.ts'
import type { TimedContext } from './timed-resumes.ts'

/**
 * Resolves once every agent is as the hold says. This process sees to that, unless another one does. If it fails, or dies,
 * another replica takes over as soon as the lease has run out.
 */
export async function untilSettled(context: TimedContext, id: string): Promise<void> {
  const deadline = performance.now() + SETTLE_WAIT_MS
  while (performance.now() < deadline) {
    const lease = uuid()
    const hold = await claimHold(context.database, { id, lease })
    if (!hold || hold.is_settled) return
    if (hold.is_claimed) await settleHold(context, { id, project_id: hold.project_id, lease })
    else await sleep(SETTLE_CHECK_MS)
  }
}

/** Does what is left to do for a hold that this process has claimed. */
async function settleHold(context: TimedContext, claim: HoldClaim): Promise<void> {
  const { database } = context
  const hold = await readHoldToSettle(database, claim.id)
  if (!hold) return
  const { project_id, released_at } = hold
  try {
    if (project_id === null) await settleGroup(context, { hold, claim }, (id) => untilSettled(context, id))
    else if (released_at === null) await pauseHeld(context, { hold: { ...hold, project_id }, claim })
    else await resumeHeld(context, { hold: { ...hold, project_id }, claim })
    await markSettled(database, claim, released_at === null)
  } catch (error) {
    if (!(error instanceof LeaseLost)) throw error
  }
}

/** Holds of all projects share a place. */
const ALL = 'all projects'

/**
 * Releases the holds whose time is up, and settles those that no replica works on. Returns how many there were, at most
 * `limit`.
 */
export async function attendToHolds(
  context: TimedContext,
  byProject: ByProject,
  limit: number,
): Promise<number> {
  const { database } = context
  const ended = await listHoldsToEnd(database, { limit, except: projectsIn(byProject) })
  await byProject.run(
    ended.map(({ id, project_id }) => ({ id, of: project_id, project_id: project_id ?? ALL })),
    ({ id, of }) => releaseAnyHold(context, { hold_id: id, project_id: of }, { released_by: system }),
  )
  const claims = await claimHolds(database, { lease: uuid(), except: projectsIn(byProject), limit })
  await byProject.run(
    claims.map((claim) => ({ claim, project_id: claim.project_id ?? ALL })),
    ({ claim }) => settleHold(context, claim),
  )
  return Math.max(ended.length, claims.length)
}

function projectsIn({ heldUp }: ByProject): string[] {
  return heldUp.filter((id) => id !== ALL)
}

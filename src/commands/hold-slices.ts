import type { Hold } from '#src/domain/hold.ts'
import type { LockedAgent } from '#src/store/agents.ts'
import { type HoldClaim, renewHoldLease } from '#src/store/hold-work.ts'
import { HELD_AGENTS } from './bounds.ts'
import { commit } from './commit.ts'
import { toSlices } from './slices.ts'
import type { TimedContext } from './timed-resumes.ts'
import type { UnitOfWork } from './unit-of-work.ts'

/** Another replica has the lease, or the hold was released while it was being placed. */
export class LeaseLost extends Error {}

/** A hold of one project, and the claim under which this process settles it. */
export type Settling = { hold: Hold & { project_id: string; over_seconds: number }; claim: HoldClaim }

/** One transaction of the work on a hold, in its project's turn. */
export function inSlice(
  context: TimedContext,
  { hold }: Settling,
  work: (unit: UnitOfWork) => Promise<void>,
): Promise<void> {
  const database = context.turns.share(context.database, hold.project_id)
  return commit({ ...context, database }, work)
}

/** Throws LeaseLost. The agents and their project are locked, which come before the hold. */
export async function renewLease(
  work: UnitOfWork,
  { hold, claim }: Settling,
): Promise<{ scheduled_count: number }> {
  const renewed = await renewHoldLease(work.sql, claim, hold.released_at === null)
  if (!renewed) throw new LeaseLost()
  return renewed
}

/** Small transactions, so that other changes of the project get their turn in between. */
export function toHeldSlices<Agent extends LockedAgent>(agents: readonly Agent[]): Iterable<Agent[]> {
  return toSlices(agents, HELD_AGENTS)
}

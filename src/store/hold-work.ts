import type { Hold } from '#src/domain/hold.ts'
import { HOLD_LEASE_SECONDS } from './bounds.ts'
import { type Sql, statement, type Transaction } from './database.ts'
import { holdColumns } from './holds.ts'

/** A hold that one replica settles until its lease ends. */
export type HoldClaim = { id: string; project_id: string | null; lease: string }

const LEASE_END = `now() + make_interval(secs => ${HOLD_LEASE_SECONDS})`
const isFree = '(leased_until is null or leased_until <= now())'

const claimDue = statement(
  'claim_holds',
  `update holds h set lease = $1, leased_until = ${LEASE_END} where h.id in (
     select id from holds where not is_settled and ${isFree}
       and (project_id is null or project_id <> all($2::uuid[]))
     order by created_at limit $3 for update skip locked
   ) returning h.id, h.project_id, h.lease`,
)

/** Claims holds that are not settled and that no replica works on, but none of those, or of the projects, in `except`. */
export function claimHolds(
  sql: Sql,
  { lease, except, limit }: { lease: string; except: readonly string[]; limit: number },
): Promise<HoldClaim[]> {
  return sql.run<HoldClaim>(claimDue, [lease, except, limit])
}

const claimOne = statement(
  'claim_hold',
  `with claimed as (
     update holds set lease = $2, leased_until = ${LEASE_END}
     where id = $1 and not is_settled and ${isFree} returning project_id
   )
   select is_settled, exists (select from claimed) as is_claimed, h.project_id from holds h where h.id = $1`,
)

/** Claims a hold unless it is settled, or another replica works on it. Undefined for an unknown one. */
export async function claimHold(
  sql: Sql,
  { id, lease }: { id: string; lease: string },
): Promise<{ is_settled: boolean; is_claimed: boolean; project_id: string | null } | undefined> {
  type Row = { is_settled: boolean; is_claimed: boolean; project_id: string | null }
  return (await sql.run<Row>(claimOne, [id, lease]))[0]
}

const renew = statement(
  'renew_hold_lease',
  `update holds set leased_until = ${LEASE_END}
   where id = $1 and lease = $2 and (released_at is null) = $3 returning scheduled_count`,
)

/**
 * Renews a lease. Undefined: another replica has it, or the hold was released meanwhile. Also locks the hold, after its
 * project, so that it stays as it is until the transaction ends.
 */
export async function renewHoldLease(
  sql: Sql,
  { id, lease }: HoldClaim,
  is_active: boolean,
): Promise<{ scheduled_count: number } | undefined> {
  return (await sql.run<{ scheduled_count: number }>(renew, [id, lease, is_active]))[0]
}

const addResumed = statement(
  'count_resumed_agents',
  `update holds set resumed_count = resumed_count + $2::int, scheduled_count = scheduled_count + $3::int where id = $1`,
)

/** `resumed`: agents that go on; `scheduled`: those of them that got a time. */
export function countResumed(
  sql: Transaction,
  id: string,
  { resumed, scheduled }: { resumed: number; scheduled: number },
): void {
  if (resumed + scheduled > 0) sql.send(addResumed, [id, resumed, scheduled])
}

const settle = statement(
  'settle_hold',
  `update holds h set is_settled = true, lease = null, leased_until = null,
     placed_count = coalesce(placed_count, affected_count)
   where h.id = $1 and h.lease = $2 and (h.released_at is null) = $3
     and not exists (select from held_parents f where f.hold_id = h.id)`,
)

/** Ends the work on a hold, unless it was released or has got more to do meanwhile. */
export async function markSettled(sql: Sql, { id, lease }: HoldClaim, is_active: boolean): Promise<void> {
  await sql.run(settle, [id, lease, is_active])
}

const details = statement(
  'read_hold_to_settle',
  `select ${holdColumns}, h.over_seconds from holds h where h.id = $1`,
)

/** Undefined: its project was deleted. */
export async function readHoldToSettle(
  sql: Sql,
  id: string,
): Promise<(Hold & { over_seconds: number }) | undefined> {
  return (await sql.run<Hold & { over_seconds: number }>(details, [id]))[0]
}

const ended = statement(
  'list_holds_to_end',
  `select id, project_id from holds
   where released_at is null and until <= now() and (project_id is null or group_id is null)
     and (project_id is null or project_id <> all($2::uuid[])) order by until limit $1`,
)

/** Holds whose time is up, but none of the projects in `except`. A hold of all projects ends those of its group. */
export function listHoldsToEnd(
  sql: Sql,
  { limit, except }: { limit: number; except: readonly string[] },
): Promise<{ id: string; project_id: string | null }[]> {
  return sql.run<{ id: string; project_id: string | null }>(ended, [limit, except])
}

import { v7 as uuid } from 'uuid'
import { type Principal, toActor } from '#src/domain/access.ts'
import { notFound, refuse } from '#src/domain/errors.ts'
import { type Hold, MAX_HOLDS, type PauseMode } from '#src/domain/hold.ts'
import { addSeconds, type Time } from '#src/domain/time.ts'
import { lockAgentTypes } from '#src/store/agent-types.ts'
import { writeAudit } from '#src/store/audit.ts'
import type { Sql } from '#src/store/database.ts'
import { lockGlobalHolds } from '#src/store/global-holds.ts'
import { countOwnHolds, insertHold } from '#src/store/holds.ts'
import { commit } from './commit.ts'
import type { CommandContext } from './context.ts'
import { type NewHold, placeHold } from './hold-changes.ts'

export type HoldInput = {
  reason: string
  selector: string | null
  agent_type_id: string | null
  mode?: PauseMode | null | undefined
  until?: Time | null | undefined
  /** Seconds until it ends. */
  for?: number | null | undefined
}

/**
 * REST `place_hold`; `untilSettled` then has its agents paused. Refuses with `not_found` (project, type), `invalid` (a time in
 * the past), or `conflict` (too many holds).
 */
export function placeHoldByOrder(
  context: CommandContext,
  { project_id, principal }: { project_id: string; principal: Principal },
  input: HoldInput,
): Promise<Hold> {
  return commit(context, async (work) => {
    await assertType(work.sql, input)
    await work.lockProjects([project_id])
    if (!work.project(project_id)) throw notFound.project(project_id)
    if ((await countOwnHolds(work.sql, project_id)) >= MAX_HOLDS)
      throw refuse('conflict', `A project has at most ${MAX_HOLDS} active holds`)
    const hold = await placeHold(work, {
      ...toNewHold(input, principal, work.now),
      project_id,
      group_id: null,
    })
    if (!hold) throw new Error('a hold was not inserted')
    await note(work.sql, hold)
    return hold
  })
}

/**
 * REST `place_global_hold`: the same hold in every project. `untilSettled` then places it there. Refuses with `not_found`,
 * `invalid`, `conflict`.
 */
export function placeGlobalHold(
  { database, clock }: CommandContext,
  principal: Principal,
  input: HoldInput,
): Promise<Hold> {
  return database.transaction(async (sql) => {
    // A project that is created at the same time either is there for the group to find, or sees the group.
    await lockGlobalHolds(sql)
    await assertType(sql, input)
    if ((await countOwnHolds(sql, null)) >= MAX_HOLDS)
      throw refuse('conflict', `There are at most ${MAX_HOLDS} active holds of all projects`)
    const id = uuid()
    const now = clock()
    const hold: Hold = {
      id,
      project_id: null,
      ...toNewHold(input, principal, now),
      group_id: id,
      created_at: now,
      released_at: null,
      released_by: null,
      affected_count: 0,
    }
    await insertHold(sql, hold)
    await note(sql, hold)
    return hold
  })
}

async function assertType(sql: Sql, { agent_type_id }: HoldInput): Promise<void> {
  if (agent_type_id === null) return
  const types = await lockAgentTypes(sql, [{ id: agent_type_id }])
  if (!types.find({ id: agent_type_id })) throw notFound.agent_type(agent_type_id)
}

function toNewHold(
  { reason, selector, agent_type_id, mode, until, for: seconds }: HoldInput,
  principal: Principal,
  now: Time,
): Omit<NewHold, 'project_id' | 'group_id'> {
  if (until != null && until <= now) throw refuse('invalid', 'Must be in the future', 'until')
  return {
    reason,
    selector,
    agent_type_id,
    mode: mode ?? 'checkpoint',
    until: seconds == null ? (until ?? null) : addSeconds(now, seconds),
    cause: { kind: 'order', id: null },
    created_by: toActor(principal),
  }
}

async function note(sql: Sql, { id, project_id, created_by, reason }: Hold): Promise<void> {
  const target = { actor: created_by, target_id: id, project_id }
  await writeAudit(sql, { action: 'hold_placed', ...target, details: { reason } })
}

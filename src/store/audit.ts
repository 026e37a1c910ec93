import { v7 as uuid } from 'uuid'
import type { AuditAction } from '#src/domain/audit.ts'
import type { Actor } from '#src/domain/events.ts'
import { type Sql, statement } from './database.ts'

export type AuditInput = {
  action: AuditAction
  actor: Actor
  target_id?: string | null
  project_id?: string | null
  /** Never a secret: names, roles, addresses. */
  details?: Record<string, unknown>
}

const insert = statement(
  'insert_audit',
  `insert into audit (id, at, action, actor_kind, actor_id, target_id, project_id, details)
   values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb)`,
)

/** Adds to the audit trail, in the transaction of what it tells of. */
export async function writeAudit(
  sql: Sql,
  { action, actor, target_id, project_id, details }: AuditInput,
): Promise<void> {
  await sql.run(insert, [
    uuid(),
    new Date().toISOString(),
    action,
    actor.kind,
    actor.id,
    target_id ?? null,
    project_id ?? null,
    JSON.stringify(details ?? {}),
  ])
}

const KEPT_DAYS = 365
const forget = statement(
  'forget_audit',
  `delete from audit where ctid in
     (select ctid from audit where at < now() - make_interval(days => $1) order by at limit $2)
   returning 1 as forgotten`,
)

/** Removes up to `limit` entries that are older than a year; returns how many. */
export async function forgetAudit(sql: Sql, limit: number): Promise<number> {
  return (await sql.run(forget, [KEPT_DAYS, limit])).length
}

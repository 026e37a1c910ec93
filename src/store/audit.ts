import { v7 as uuid } from 'uuid'
import type { Actor } from '#src/domain/actor.ts'
import type { AuditAction } from '#src/domain/audit.ts'
import { AUDIT_KEPT_DAYS } from './bounds.ts'
import { type Sql, statement } from './database.ts'
import { type Listed, listStatements, type PageRange, readList } from './page.ts'

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
   values ($1, now(), $2, $3, $4, $5, $6, $7::jsonb)`,
)

/** Adds to the audit trail, in the same transaction as the audited change. */
export async function writeAudit(
  sql: Sql,
  { action, actor, target_id, project_id, details }: AuditInput,
): Promise<void> {
  await sql.run(insert, [
    uuid(),
    action,
    actor.kind,
    actor.id,
    target_id ?? null,
    project_id ?? null,
    JSON.stringify(details ?? {}),
  ])
}

const forget = statement(
  'forget_audit',
  `delete from audit where ctid in
     (select ctid from audit where at < now() - make_interval(days => $1) order by at limit $2)
   returning 1 as forgotten`,
)

/** Deletes up to `limit` entries that are older than a year; returns how many. */
export async function forgetAudit(sql: Sql, limit: number): Promise<number> {
  return (await sql.run(forget, [AUDIT_KEPT_DAYS, limit])).length
}

export type AuditRow = {
  id: string
  at: string
  action: AuditAction
  actor_kind: Actor['kind']
  actor_id: string | null
  target_id: string | null
  project_id: string | null
  details: Record<string, unknown>
}

const list = listStatements('list_audit', {
  alias: 'a',
  from: `audit a where ($1::text is null or a.action = $1) and ($2::uuid is null or a.actor_id = $2)
    and ($3::uuid is null or a.project_id = $3)
    and ($4::timestamptz is null or a.at >= $4) and ($5::timestamptz is null or a.at < $5)`,
  parameters: 5,
  columns: 'id, at, action, actor_kind, actor_id, target_id, project_id, details',
  newest: { by: 'at', type: 'timestamptz', id: 'id' },
})

export type AuditFilter = {
  action?: AuditAction | undefined
  actor_id?: string | undefined
  project_id?: string | undefined
  from?: string | undefined
  to?: string | undefined
}

/** The audit trail, newest first; `from` counts, `to` does not. */
export function listAudit(sql: Sql, filter: AuditFilter, range: PageRange): Promise<Listed<AuditRow>> {
  const { action, actor_id, project_id, from, to } = filter
  const values = [action ?? null, actor_id ?? null, project_id ?? null, from ?? null, to ?? null]
  return readList<AuditRow>(sql, list, { values, ...range })
}

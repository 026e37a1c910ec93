import type { Actor } from '#src/domain/actor.ts'
import type { Rest } from '../support/rest.ts'

export type Page<Item> = {
  data: Item[]
  pagination: { total: number; page_size: number; total_pages: number; has_next: boolean; has_prev: boolean }
}

export type AuditEntry = {
  id: string
  at: string
  action: string
  actor: Actor
  target_id: string | null
  project_id: string | null
  details: Record<string, unknown>
}

/** The newest entries of the audit trail, as a superuser reads it, with filters such as `&action=key_created`. */
export async function readAudit(superuser: Rest, filters = ''): Promise<AuditEntry[]> {
  return (await superuser.get<Page<AuditEntry>>(`/audit?limit=100${filters}`)).body.data
}

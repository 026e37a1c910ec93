import type { AuditEntry, AuditQuery } from '#src/client/rest/rest.ts'
import { type AuditAction, auditActions } from '#src/domain/audit.ts'
import { capital } from './format.ts'

/** What the audit trail is filtered by, as the address says. Days are those of the browser's time zone, `to` included. */
export function readAuditFilters(query: URLSearchParams): Omit<AuditQuery, 'page' | 'limit' | 'cursor'> {
  const action = auditActions.find((known) => known === query.get('action'))
  const [actor_id, project_id] = [query.get('actor'), query.get('project')]
  const [from, to] = [dayAt(query.get('from'), 0), dayAt(query.get('to'), 1)]
  return {
    ...(action && { action }),
    ...(actor_id && { actor_id }),
    ...(project_id && { project_id }),
    ...(from && { from }),
    ...(to && { to }),
  }
}

/** The beginning of a day, or of one `later`. */
function dayAt(text: string | null, later: number): string | undefined {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text ?? '') ?? []
  if (year === undefined) return undefined
  const date = new Date(Number(year), Number(month) - 1, Number(day) + later)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

const notPlain: Partial<Record<AuditAction, string>> = {
  session_reused: 'Stolen session ended',
  key_created: 'API key created',
  key_revoked: 'API key revoked',
}

/** "signed_in" as "Signed in". A newer server may have actions that this page does not know. */
export function sayAction(action: string): string {
  const known = auditActions.find((one) => one === action)
  return (known && notPlain[known]) ?? capital(action.replaceAll('_', ' '))
}

/** "email bea@example.org, role viewer" */
export function sayDetails(details: AuditEntry['details']): string {
  return Object.entries(details)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(
      ([name, value]) =>
        `${name.replaceAll('_', ' ')} ${typeof value === 'object' ? JSON.stringify(value) : value}`,
    )
    .join(', ')
}

import type { AuditEntry, AuditQuery } from '#src/client/rest/rest.ts'
import type { Actor } from '#src/domain/actor.ts'
import { type AuditAction, auditActions } from '#src/domain/audit.ts'
import { capital, formatCount, formatFullTime, plural } from './format.ts'

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

/** The names of whom and what an entry is about. */
export type AuditNames = {
  user: (id: string) => string
  agent: (id: string, project_id: string | null) => string
}

type Details = AuditEntry['details']
type Wording = (entry: AuditEntry, names: AuditNames) => string

/** What each entry says after the name of the actor. A new action without a row here does not compile. */
const sentences: Record<AuditAction, Wording> = {
  signed_in: ({ details }) => `signed in${fromAddress(details)}`,
  sign_in_failed: ({ actor, details }, names) =>
    actor.id === null
      ? `failed to sign in with an e-mail that no user has${fromAddress(details)}`
      : `failed to sign in as ${names.user(actor.id)}${fromAddress(details)}`,
  signed_out: () => 'signed out',
  session_reused: ({ actor }, names) =>
    `used a spent session token of ${names.user(actor.id ?? '')}, so that session has ended`,
  user_created: (entry, names) => `created the user ${targetUser(entry, names)}${sayStanding(entry.details)}`,
  user_updated: describeUserUpdate,
  password_changed: (entry, names) => `changed ${whosePassword(entry, names)}`,
  password_change_failed: (entry, names) =>
    `gave a wrong current password to change ${whosePassword(entry, names)}${fromAddress(entry.details)}`,
  member_set: (entry, names) => `gave ${targetUser(entry, names)} the role ${textOf(entry.details.role)}`,
  member_removed: (entry, names) => `removed the member ${targetUser(entry, names)}`,
  key_created: ({ details }) =>
    `created the API key “${textOf(details.name)}” with the role ${textOf(details.role)}`,
  key_revoked: ({ details }) => `revoked the API key “${textOf(details.name)}”`,
  agent_token_issued: (entry, names) =>
    `issued a token for the agent ${targetAgent(entry, names)}, valid until ${formatFullTime(textOf(entry.details.expires_at))}`,
  agent_tokens_revoked: (entry, names) =>
    `revoked ${plural(Number(entry.details.affected_count), 'token')} of the agent ${targetAgent(entry, names)}`,
  project_deleted: ({ details }) => `deleted the project “${textOf(details.name)}” (${textOf(details.slug)})`,
  hold_placed: ({ project_id, details }) => `placed a hold${ofAll(project_id)}: ${textOf(details.reason)}`,
  hold_released: ({ project_id, details }) =>
    `released the hold${ofAll(project_id)}: ${textOf(details.reason)}`,
  webhook_created: (entry) => `created ${sayWebhook(entry)}`,
  webhook_updated: describeWebhookUpdate,
  webhook_deleted: (entry) => `deleted ${sayWebhook(entry)}`,
  webhook_secret_rotated: (entry) => `made a new secret for ${sayWebhook(entry)}`,
  webhook_tested: (entry) => `tested ${sayWebhook(entry)}`,
  webhook_disabled: (entry) =>
    `disabled ${sayWebhook(entry)}, which kept failing: ${textOf(entry.details.last_error)}`,
  budget_created: (entry) => `created ${sayBudget(entry)}`,
  budget_updated: (entry) => `changed ${sayBudget(entry)}${sayChanged(entry.details)}`,
  budget_deleted: (entry) => `deleted ${sayBudget(entry)}`,
}

function describeWebhookUpdate(entry: AuditEntry): string {
  const { changed, is_active } = entry.details
  const isStateAlone = readChanged(changed).join() === 'is_active'
  if (isStateAlone)
    return `${is_active === false ? 'disabled' : 'enabled, or tried again,'} ${sayWebhook(entry)}`
  const state = is_active === false ? ', which is disabled' : ''
  return `changed ${sayWebhook(entry)}${sayChanged(entry.details)}${state}`
}

/** "gave Bea Fox the role operator", which follows the name of the actor. */
export function sayEntry(entry: AuditEntry, names: AuditNames): string {
  const known = auditActions.find((one) => one === entry.action)
  return known ? sentences[known](entry, names) : describeUnknown(entry)
}

/** Anyone can fail to sign in with a known address: its user need not be the actor. */
const byAnyone: readonly string[] = ['sign_in_failed', 'session_reused'] satisfies AuditAction[]

/** The actor, by name. */
export function sayActor({ action, actor }: AuditEntry, nameOf: (actor: Actor) => string): string {
  return byAnyone.includes(action) ? 'someone' : nameOf(actor)
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
const fromAddress = ({ address }: Details) => (address ? `, from ${textOf(address)}` : '')
const ofAll = (project_id: string | null) => (project_id === null ? ' of all projects' : '')
const sayWebhook = ({ details }: AuditEntry) => `the webhook to ${textOf(details.origin)}`
const targetUser = ({ target_id }: AuditEntry, names: AuditNames) => names.user(target_id ?? '')

function targetAgent({ target_id, project_id, details }: AuditEntry, names: AuditNames): string {
  return textOf(details.agent) || names.agent(target_id ?? '', project_id)
}

function whosePassword(entry: AuditEntry, names: AuditNames): string {
  const isOwn = entry.actor.id === entry.target_id
  return isOwn ? 'the password of this account' : `the password of ${targetUser(entry, names)}`
}

function sayBudget({ details: { name, limit } }: AuditEntry): string {
  return `the budget “${textOf(name)}”${limit === undefined ? '' : `, limit ${formatCount(Number(limit))}`}`
}

const fieldWords: Partial<Record<string, string>> = {
  full_name: 'name',
  email: 'e-mail',
  url: 'address',
  is_active: 'state',
}

/** " (limit, warnings)" */
function sayChanged({ changed }: Details): string {
  const fields = readChanged(changed).map((name) => fieldWords[name] ?? name.replaceAll('_', ' '))
  return fields.length > 0 ? ` (${fields.join(', ')})` : ''
}

function readChanged(changed: unknown): string[] {
  return Array.isArray(changed) ? changed.map(String) : []
}

/** What is unusual about a new user. */
function sayStanding({ is_active, is_superuser }: Details): string {
  return `${is_superuser === true ? ', an admin' : ''}${is_active === false ? ', disabled' : ''}`
}

/** The entry has the state after the change. */
function describeUserUpdate(entry: AuditEntry, names: AuditNames): string {
  const { changed, is_active, is_superuser } = entry.details
  const own: Partial<Record<string, string>> = {
    is_active: is_active === true ? 'enabled' : 'disabled',
    is_superuser: is_superuser === true ? 'an admin now' : 'not an admin any more',
    password: 'new password',
    full_name: 'new name',
    email: 'new e-mail',
  }
  const parts = readChanged(changed).map((name) => own[name] ?? name)
  return `changed the user ${targetUser(entry, names)}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`
}

/** A newer server may have actions that this page does not know. */
function describeUnknown({ action, details }: AuditEntry): string {
  const parts = Object.entries(details)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(
      ([name, value]) =>
        `${name.replaceAll('_', ' ')} ${typeof value === 'object' ? JSON.stringify(value) : value}`,
    )
  return [action.replaceAll('_', ' '), ...parts].join(', ')
}

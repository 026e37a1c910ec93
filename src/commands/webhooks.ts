import { v7 as uuid } from 'uuid'
import type { TokenKeys } from '#src/auth/tokens.ts'
import { type Principal, toActor } from '#src/domain/access.ts'
import type { AuditAction } from '#src/domain/audit.ts'
import { notFound, refuse } from '#src/domain/errors.ts'
import { LOWEST_ID } from '#src/domain/id.ts'
import { MAX_WEBHOOKS, OLD_SECRET_HOURS, type Webhook } from '#src/domain/webhook.ts'
import { writeAudit } from '#src/store/audit.ts'
import type { Database, Sql } from '#src/store/database.ts'
import { lockProjects } from '#src/store/events.ts'
import {
  countWebhooks,
  deleteWebhookRow,
  insertWebhook,
  listSealedSecrets,
  lockWebhook,
  replaceSecret,
  resealSecrets,
  type SealedSecrets,
  updateWebhookRow,
} from '#src/store/webhooks.ts'
import { type AddressRule, literalAddress } from '#src/webhooks/addresses.ts'
import { createWebhookSecret, openSecret, sealSecret } from '#src/webhooks/secrets.ts'
import { RESEAL_PAGE } from './bounds.ts'
import type { CommandContext } from './context.ts'

export type WebhookContext = Pick<CommandContext, 'database' | 'clock'> & {
  keys: TokenKeys
  isAllowedAddress: AddressRule
}
type InProject = { project_id: string; principal: Principal }
type Target = InProject & { webhook_id: string }
/** Where the server was reached. */
type Reached = { origin: string }
type Input = Pick<Webhook, 'url' | 'events' | 'selector' | 'format'>

/**
 * REST `create_webhook`: it receives the events from now on. The secret is shown only once. Refuses a project's 21st webhook
 * with `conflict`, and a URL whose host is an address that is not allowed.
 */
export async function createWebhook(
  context: WebhookContext,
  { project_id, principal, origin }: InProject & Reached,
  input: Input,
): Promise<Webhook & { secret: string }> {
  assertAddress(context, input.url)
  const id = uuid()
  const secret = createWebhookSecret()
  const created = await context.database.transaction(async (sql) => {
    // Under the lock of the numbering no event falls between the cursor and the answer, and the count is exact.
    const head = (await lockProjects(sql, [project_id])).get(project_id)
    if (!head) throw notFound.project(project_id)
    if ((await countWebhooks(sql, project_id)) >= MAX_WEBHOOKS)
      throw refuse('conflict', `A project has at most ${MAX_WEBHOOKS} webhooks`)
    const webhook = await insertWebhook(sql, {
      ...input,
      id,
      project_id,
      secret: sealSecret(secret, id, context.keys),
      cursor: head.event_seq,
      origin,
      created_by: principal.id,
      created_at: context.clock(),
    })
    await note(sql, 'webhook_created', { project_id, principal, webhook_id: id, url: input.url })
    return webhook
  })
  return { ...created, secret }
}

/**
 * REST `update_webhook`. A new URL, or enabling a disabled one, forgets the failures. `is_active: true` is an attempt now: one
 * that is failing keeps since when and why until a success.
 */
export function updateWebhook(
  context: WebhookContext,
  { principal, origin, ...target }: Target & Reached,
  patch: Partial<Input & Pick<Webhook, 'is_active'>>,
): Promise<Webhook> {
  if (patch.url !== undefined) assertAddress(context, patch.url)
  return context.database.transaction(async (sql) => {
    const before = await lockWebhook(sql, target)
    if (!before) throw unknown(target)
    const hasMoved = patch.url !== undefined && patch.url !== before.url
    const resets_failures = hasMoved || (patch.is_active === true && !before.is_active)
    const is_due = hasMoved || patch.is_active === true
    const after = await updateWebhookRow(sql, { ...before, ...patch }, { resets_failures, is_due, origin })
    if (!after) throw unknown(target)
    const details = { changed: Object.keys(patch), is_active: after.is_active }
    await note(sql, 'webhook_updated', { ...target, principal, url: after.url, details })
    return after
  })
}

/** REST `delete_webhook`. A request that was already sent may still arrive. */
export async function deleteWebhook(
  { database }: WebhookContext,
  { principal, ...target }: Target,
): Promise<void> {
  await database.transaction(async (sql) => {
    const url = await deleteWebhookRow(sql, target)
    if (url === undefined) throw unknown(target)
    await note(sql, 'webhook_deleted', { ...target, principal, url })
  })
}

/** REST `rotate_webhook_secret`: the new secret is shown only once; the old one signs too until `old_secret_until`. */
export function rotateWebhookSecret(
  { database, keys }: WebhookContext,
  { principal, ...target }: Target,
): Promise<{ secret: string; old_secret_until: string }> {
  const secret = createWebhookSecret()
  const sealed = sealSecret(secret, target.webhook_id, keys)
  return database.transaction(async (sql) => {
    const replaced = await replaceSecret(sql, target, { secret: sealed, old_hours: OLD_SECRET_HOURS })
    if (!replaced) throw unknown(target)
    const { url, old_secret_until } = replaced
    await note(sql, 'webhook_secret_rotated', { ...target, principal, url })
    return { secret, old_secret_until }
  })
}

/** Seals every secret with the newest key, so that an operator can remove older keys once all replicas have started. */
export async function resealWebhooks(database: Database, keys: TokenKeys): Promise<void> {
  for (let page: SealedSecrets[] = [], after = LOWEST_ID; ; after = page.at(-1)?.id ?? after) {
    page = await listSealedSecrets(database, after, RESEAL_PAGE)
    for (const before of page) {
      const { id } = before
      const again = (sealed: string): string => {
        const opened = openSecret(sealed, id, keys)
        return opened && !opened.is_newest ? sealSecret(opened.secret, id, keys) : sealed
      }
      const old_secret = before.old_secret === null ? null : again(before.old_secret)
      const now = { id, secret: again(before.secret), old_secret }
      if (now.secret !== before.secret || now.old_secret !== before.old_secret)
        await resealSecrets(database, now, before)
    }
    if (page.length < RESEAL_PAGE) return
  }
}

/** Host names are resolved at each delivery; a literal address is checked at once. */
function assertAddress({ isAllowedAddress }: WebhookContext, url: string): void {
  const literal = literalAddress(new URL(url))
  if (literal !== undefined && !isAllowedAddress(literal))
    throw refuse('invalid', 'The address is not allowed', 'url')
}

function unknown({ webhook_id, project_id }: Omit<Target, 'principal'>) {
  return notFound.webhook(webhook_id, project_id)
}

type Noted = Target & { url: string; details?: object }

/** The audit trail has only the origin of a URL, since the rest may contain a token. */
async function note(
  sql: Sql,
  action: AuditAction,
  { principal, project_id, webhook_id, url, details }: Noted,
): Promise<void> {
  const target = { actor: toActor(principal), target_id: webhook_id, project_id }
  await writeAudit(sql, { action, ...target, details: { origin: new URL(url).origin, ...details } })
}

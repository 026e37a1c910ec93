import type { Webhook } from '#src/domain/webhook.ts'
import { type Sql, statement } from './database.ts'
import { type Listed, listStatements, type PageRange, readList } from './page.ts'

const columns = `w.id, w.project_id, w.url, w.events, w.selector, w.format, w.is_active, w.cursor, w.created_by, w.created_at,
  w.last_attempt_at, w.last_success_at, w.last_status, w.last_error, w.failing_since, w.failures,
  w.next_attempt_at, w.disabled_at`

const list = listStatements('list_webhooks', {
  alias: 'w',
  from: 'webhooks w where w.project_id = $1',
  parameters: 1,
  columns,
  newest: { by: 'created_at', type: 'timestamptz', id: 'id' },
})

/** A project's webhooks, newest first. */
export function listWebhooks(sql: Sql, project_id: string, range: PageRange): Promise<Listed<Webhook>> {
  return readList<Webhook>(sql, list, { values: [project_id], ...range })
}

type Target = { project_id: string; webhook_id: string }

const byId = statement(
  'find_webhook',
  `select ${columns} from webhooks w where w.project_id = $1 and w.id = $2`,
)

export async function findWebhook(
  sql: Sql,
  { project_id, webhook_id }: Target,
): Promise<Webhook | undefined> {
  return (await sql.run<Webhook>(byId, [project_id, webhook_id]))[0]
}

export type WebhookReceiver = Pick<Webhook, 'id' | 'url' | 'format'> & {
  origin: string | null
  /** Sealed. The old one is null once its time is over. */
  secret: string
  old_secret: string | null
}

const receiver = statement(
  'find_webhook_receiver',
  `select id, url, format, origin, secret, case when old_secret_until > now() then old_secret end as old_secret
   from webhooks where project_id = $1 and id = $2`,
)

/** Where a webhook's requests go; undefined for one that is unknown. */
export async function findReceiver(
  sql: Sql,
  { project_id, webhook_id }: Target,
): Promise<WebhookReceiver | undefined> {
  return (await sql.run<WebhookReceiver>(receiver, [project_id, webhook_id]))[0]
}

const count = statement('count_webhooks', 'select count(*) as count from webhooks where project_id = $1')

export async function countWebhooks(sql: Sql, project_id: string): Promise<number> {
  return (await sql.run<{ count: number }>(count, [project_id]))[0]?.count ?? 0
}

export type NewWebhook = Pick<
  Webhook,
  'id' | 'project_id' | 'url' | 'events' | 'selector' | 'format' | 'cursor' | 'created_by' | 'created_at'
> & { secret: string; origin: string }

const insert = statement(
  'insert_webhook',
  `insert into webhooks as w (id, project_id, url, events, selector, secret, cursor, is_active, created_by, created_at,
     next_attempt_at, format, origin)
   values ($1, $2, $3, $4::jsonb, $9, $5, $6, true, $7, $8, now(), $10, $11) returning ${columns}`,
)

/** `secret` is sealed. */
export async function insertWebhook(sql: Sql, webhook: NewWebhook): Promise<Webhook> {
  const { id, project_id, url, events, selector, secret, cursor, created_by, created_at, format, origin } =
    webhook
  const placed = [id, project_id, url, toJson(events), secret, cursor, created_by, created_at, selector]
  const values = [...placed, format, origin]
  const [row] = await sql.run<Webhook>(insert, values)
  if (!row) throw new Error('a webhook was not inserted')
  return row
}

function toJson(events: Webhook['events']): string | null {
  return events && JSON.stringify(events)
}

const lock = statement(
  'lock_webhook',
  `select ${columns} from webhooks w where w.project_id = $1 and w.id = $2 for update`,
)

export async function lockWebhook(
  sql: Sql,
  { project_id, webhook_id }: Target,
): Promise<Webhook | undefined> {
  return (await sql.run<Webhook>(lock, [project_id, webhook_id]))[0]
}

const contentChanges = '(w.events, w.selector, w.format) is distinct from ($3::jsonb, $6::text, $7::text)'
const update = statement(
  'update_webhook',
  `update webhooks w set url = $2, events = $3::jsonb, selector = $6, is_active = $4,
     disabled_at = case when $4 then null else coalesce(w.disabled_at, now()) end,
     failing_since = case when $5 then null else w.failing_since end,
     failures = case when $5 then 0 else w.failures end,
     format = $7, origin = coalesce(w.origin, $8),
     revision = w.revision + case when ${contentChanges} then 1 else 0 end,
     pending_last = case when ${contentChanges} then null else w.pending_last end,
     next_attempt_at = case when $9 then now() else w.next_attempt_at end,
     lease = case when w.url = $2 then w.lease end,
     leased_until = case when w.url = $2 then w.leased_until end
   where w.id = $1 returning ${columns}`,
)

type Changeable = 'events' | 'selector' | 'is_active' | 'format'

/**
 * With another filter or format a failed attempt is not repeated: the next message has another id. `resets_failures` forgets past
 * failures; `is_due` makes the next attempt due now. A running attempt to another URL loses its lease, so it does not count.
 */
export async function updateWebhookRow(
  sql: Sql,
  { id, url, events, selector, is_active, format }: Pick<Webhook, 'id' | 'url' | Changeable>,
  { resets_failures, is_due, origin }: { resets_failures: boolean; is_due: boolean; origin: string },
): Promise<Webhook | undefined> {
  const values = [id, url, toJson(events), is_active, resets_failures, selector, format, origin, is_due]
  return (await sql.run<Webhook>(update, values))[0]
}

const remove = statement(
  'delete_webhook',
  'delete from webhooks where project_id = $1 and id = $2 returning url',
)

/** Returns the URL of the deleted webhook; undefined if there was none. */
export async function deleteWebhookRow(
  sql: Sql,
  { project_id, webhook_id }: Target,
): Promise<string | undefined> {
  return (await sql.run<{ url: string }>(remove, [project_id, webhook_id]))[0]?.url
}

const rotate = statement(
  'rotate_webhook_secret',
  `update webhooks set old_secret = secret, secret = $3,
     old_secret_until = now() + make_interval(hours => $4::int)
   where project_id = $1 and id = $2 returning url, old_secret_until`,
)

/** Both are sealed. Undefined: there is no such webhook. */
export async function replaceSecret(
  sql: Sql,
  { project_id, webhook_id }: Target,
  { secret, old_hours }: { secret: string; old_hours: number },
): Promise<{ url: string; old_secret_until: string } | undefined> {
  const values = [project_id, webhook_id, secret, old_hours]
  return (await sql.run<{ url: string; old_secret_until: string }>(rotate, values))[0]
}

export type SealedSecrets = { id: string; secret: string; old_secret: string | null }

const sealed = statement(
  'list_webhook_secrets',
  'select id, secret, old_secret from webhooks where id > $1 order by id limit $2',
)

/** Pages by id. */
export function listSealedSecrets(sql: Sql, after: string, limit: number): Promise<SealedSecrets[]> {
  return sql.run<SealedSecrets>(sealed, [after, limit])
}

const reseal = statement(
  'reseal_webhook_secrets',
  'update webhooks set secret = $2, old_secret = $3 where id = $1 and secret = $4',
)

/** Skips a webhook whose secret has changed since it was read as `before`. */
export async function resealSecrets(
  sql: Sql,
  { id, secret, old_secret }: SealedSecrets,
  before: SealedSecrets,
): Promise<void> {
  await sql.run(reseal, [id, secret, old_secret, before.secret])
}

import { parseSelector } from '#src/domain/selector.ts'
import type { Webhook, WebhookFormat } from '#src/domain/webhook.ts'
import { MAX_WEBHOOK_BYTES, MAX_WEBHOOK_EVENTS, MAX_WEBHOOK_SCANNED } from './bounds.ts'
import { type Sql, statement } from './database.ts'
import { readFrame } from './event-frame.ts'
import { toJsonPath } from './selector.ts'

/** Events of one request. Slack takes one message at a time. */
const eventsOfRequest: Record<WebhookFormat, number> = {
  signalbox: MAX_WEBHOOK_EVENTS,
  slack: 1,
  cloudevents: MAX_WEBHOOK_EVENTS,
}

/** A webhook that one replica delivers until its lease ends. All times are by the database's clock. */
export type Claim = Pick<
  Webhook,
  'id' | 'project_id' | 'url' | 'events' | 'selector' | 'format' | 'cursor' | 'failures'
> & {
  origin: string | null
  lease: string
  pending_last: number | null
  /** Counts the changes of its filter and format. */
  revision: number
  /** Sealed. The old one is null once its time is over. */
  secret: string
  old_secret: string | null
}

const claim = statement(
  'claim_webhooks',
  `with due as (
     select w.id from webhooks w join projects p on p.id = w.project_id
     where w.is_active and p.event_seq > w.cursor and w.next_attempt_at <= now()
       and (w.leased_until is null or w.leased_until <= now())
     order by (
       select count(*) from webhooks other where other.project_id = w.project_id and other.leased_until > now()
     ), w.next_attempt_at limit $3 for update of w skip locked
   )
   update webhooks w set lease = $1, leased_until = now() + make_interval(secs => $2) from due where w.id = due.id
   returning w.id, w.project_id, w.url, w.events, w.selector, w.format, w.origin, w.cursor, w.failures, w.lease,
     w.pending_last, w.revision, w.secret,
     case when w.old_secret_until > now() then w.old_secret end as old_secret`,
)

/**
 * Claims webhooks that are due, in one statement that runs beside those of other replicas. Projects with the fewest running
 * requests come first, so that slow receivers delay only their own project; then the longest waiting.
 */
export function claimDueWebhooks(
  sql: Sql,
  { lease, seconds, limit }: { lease: string; seconds: number; limit: number },
): Promise<Claim[]> {
  return sql.run<Claim>(claim, [lease, seconds, limit])
}

export type Batch = {
  /** The project's epoch, which its frames have. */
  epoch: number
  /** The request covers the log from the cursor up to this number. */
  last: number
  frames: string[]
  /** The time of the newest event. */
  at: string | undefined
  /** Retention deleted events before this number that were never delivered. */
  missed_before: number | undefined
}

// An event of the project itself has no agent. Servers before labels wrote agents without them.
const matchesAfter = `($8::jsonpath is null or json_typeof(frame->'agent') = 'object'
       and coalesce((frame->'agent'->'labels')::jsonb, '{}') @@ $8)`

const read = statement(
  'read_webhook_batch',
  `with scanned as (
     select seq, at, frame from events
     where project_id = $1 and seq > $2 and ($3::bigint is null or seq <= $3) order by seq limit $5
   ), matched as (
     select seq, at, frame, row_number() over log as place, sum(octet_length(frame::text) + 1) over log as bytes
     from scanned where ($4::text[] is null or frame->>'name' = any($4)) and ${matchesAfter}
     window log as (order by seq)
   ), cut as (
     select min(seq) - 1 as seq from matched where place > $6 or (place > 1 and bytes > $7)
   ), ends as (
     select min(s.seq) as oldest, coalesce((select seq from cut), max(s.seq)) as last from scanned s
   )
   select p.epoch, p.event_seq as newest, e.oldest, e.last, m.at, m.frame
   from projects p cross join ends e left join matched m on m.seq <= e.last where p.id = $1 order by m.seq`,
)

type Row = {
  epoch: number
  newest: number
  oldest: number | null
  last: number | null
  at: string | null
  frame: string | null
}

/**
 * What to send next: the events of an attempt whose end is unknown, or else as many as one request takes. Undefined if there
 * is nothing to send, or the project is unknown.
 */
export async function readBatch(sql: Sql, claim: Claim): Promise<Batch | undefined> {
  const { project_id, cursor, events, selector, format, pending_last } = claim
  const bounds = [MAX_WEBHOOK_SCANNED, eventsOfRequest[format], MAX_WEBHOOK_BYTES]
  const path = toJsonPath(parseSelector(selector ?? ''))
  const rows = await sql.run<Row>(read, [project_id, cursor, pending_last, events, ...bounds, path])
  const [first] = rows
  if (!first || first.newest <= cursor) return undefined
  const { epoch } = first
  if (first.oldest === null || first.last === null) {
    // Retention deleted all pending events, or, in the second call, all events.
    if (pending_last !== null) return readBatch(sql, { ...claim, pending_last: null })
    return { epoch, last: first.newest, frames: [], at: undefined, missed_before: first.newest + 1 }
  }
  const frames = rows.flatMap(({ frame }) => (frame === null ? [] : [readFrame(frame, epoch).frame]))
  const missed_before = first.oldest > cursor + 1 ? first.oldest : undefined
  return { epoch, last: first.last, frames, at: rows.at(-1)?.at ?? undefined, missed_before }
}

type Held = Pick<Claim, 'id' | 'lease'>

const hold = statement(
  'hold_webhook',
  `update webhooks set pending_last = $3, leased_until = now() + make_interval(secs => $4)
   where id = $1 and lease = $2 and is_active returning 1 as held`,
)

/** Notes which events are about to be sent, and renews the lease. False if the lease or the webhook is lost. */
export async function holdBatch(
  sql: Sql,
  { id, lease }: Held,
  { last, seconds }: { last: number; seconds: number },
): Promise<boolean> {
  return (await sql.run(hold, [id, lease, last, seconds])).length > 0
}

const release = statement(
  'release_webhook',
  'update webhooks set lease = null, leased_until = null where id = $1 and lease = $2',
)

/** Ends a lease without an attempt, or with one whose end is unknown. */
export async function releaseWebhook(sql: Sql, { id, lease }: Held): Promise<void> {
  await sql.run(release, [id, lease])
}

const advance = statement(
  'advance_webhook',
  `update webhooks set cursor = $3, pending_last = null, next_attempt_at = now(), lease = null, leased_until = null,
     failing_since = case when $4::int is null then failing_since end,
     failures = case when $4::int is null then failures else 0 end,
     last_error = case when $4::int is null then last_error end,
     last_status = coalesce($4::int, last_status),
     last_attempt_at = case when $4::int is null then last_attempt_at else now() end,
     last_success_at = case when $4::int is null then last_success_at else now() end
   where id = $1 and lease = $2 returning 1 as advanced`,
)

/** Moves the cursor and ends the lease. `status` is that of the answer; null if nothing had to be sent. */
export async function advanceWebhook(
  sql: Sql,
  { id, lease }: Held,
  { last, status }: { last: number; status: number | null },
): Promise<boolean> {
  return (await sql.run(advance, [id, lease, last, status])).length > 0
}

// A failure counts the wait before it, but at most the planned one plus `$6`, which a claim and its request take.
const fail = statement(
  'fail_webhook',
  `update webhooks set failing_since = coalesce(failing_since, now()), failures = failures + 1,
     failed_seconds = case when failures = 0 then 0 else failed_seconds + greatest(0, extract(epoch from
       least(now(), next_attempt_at + make_interval(secs => $6)) - coalesce(last_attempt_at, now()))) end,
     last_error = $3, last_status = $4::int, last_attempt_at = now(),
     next_attempt_at = now() + make_interval(secs => $5), lease = null, leased_until = null
   where id = $1 and lease = $2
   returning is_active, failed_seconds`,
)

/** Ends the lease after a failure. Undefined if the lease was lost: then the attempt does not count. */
export async function failWebhook(
  sql: Sql,
  { id, lease }: Held,
  failure: { error: string; status: number | null; wait_seconds: number; attempt_seconds: number },
): Promise<{ is_active: boolean; failed_seconds: number } | undefined> {
  const { error, status, wait_seconds, attempt_seconds } = failure
  const values = [id, lease, error, status, wait_seconds, attempt_seconds]
  return (await sql.run<{ is_active: boolean; failed_seconds: number }>(fail, values))[0]
}

const disable = statement(
  'disable_webhook',
  'update webhooks set is_active = false, disabled_at = now() where id = $1',
)

export async function disableWebhookRow(sql: Sql, id: string): Promise<void> {
  await sql.run(disable, [id])
}

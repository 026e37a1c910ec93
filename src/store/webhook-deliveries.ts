import type { Webhook } from '#src/domain/webhook.ts'
import { type Sql, statement } from './database.ts'
import { withEpoch } from './frame-epoch.ts'

/** A webhook that one replica delivers, until its lease ends. All times are by the database's clock. */
export type Claim = Pick<Webhook, 'id' | 'project_id' | 'url' | 'events' | 'cursor' | 'failures'> & {
  lease: string
  pending_last: number | null
  /** Sealed; the old one is null once its time is over. */
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
   returning w.id, w.project_id, w.url, w.events, w.cursor, w.failures, w.lease, w.pending_last, w.secret,
     case when w.old_secret_until > now() then w.old_secret end as old_secret`,
)

/**
 * Claims what is due, one statement, whoever else claims. First those whose project has the fewest under way, so that
 * slow receivers are in the way of their own project alone; then the longest waiting.
 */
export function claimDueWebhooks(
  sql: Sql,
  { lease, seconds, limit }: { lease: string; seconds: number; limit: number },
): Promise<Claim[]> {
  return sql.run<Claim>(claim, [lease, seconds, limit])
}

/** Events of one request, and how many of the log's are looked at for them. */
const MAX_EVENTS = 100
const MAX_SCANNED = 1_000
/** All events of one request together; a single one may be larger. */
const MAX_BYTES = 256 * 1024

export type Batch = {
  /** The project's, which its frames have. */
  epoch: number
  /** The request covers the log after the cursor up to here. */
  last: number
  /** JSON, as every reader of the log gets them. */
  frames: string[]
  /** The time of the newest of them. */
  at: string | undefined
  /** Events before this number are gone, and have not been delivered. */
  missed_before: number | undefined
}

const read = statement(
  'read_webhook_batch',
  `with scanned as (
     select seq, at, frame from events
     where project_id = $1 and seq > $2 and ($3::bigint is null or seq <= $3) order by seq limit $5
   ), matched as (
     select seq, at, frame, row_number() over log as place, sum(octet_length(frame::text) + 1) over log as bytes
     from scanned where $4::text[] is null or frame->>'name' = any($4) window log as (order by seq)
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
 * What is to be sent next: the events of the attempt whose end is not known, else as many as one request
 * takes. Undefined: there is nothing, or no such project.
 */
export async function readBatch(sql: Sql, claim: Claim): Promise<Batch | undefined> {
  const { project_id, cursor, events, pending_last } = claim
  const bounds = [MAX_SCANNED, MAX_EVENTS, MAX_BYTES]
  const rows = await sql.run<Row>(read, [project_id, cursor, pending_last, events, ...bounds])
  const [first] = rows
  if (!first || first.newest <= cursor) return undefined
  const { epoch } = first
  if (first.oldest === null || first.last === null) {
    // All that was pending has been pruned, or, after another look, all that there is.
    if (pending_last !== null) return readBatch(sql, { ...claim, pending_last: null })
    return { epoch, last: first.newest, frames: [], at: undefined, missed_before: first.newest + 1 }
  }
  const frames = rows.flatMap(({ frame }) => (frame === null ? [] : [withEpoch(frame, epoch)]))
  const missed_before = first.oldest > cursor + 1 ? first.oldest : undefined
  return { epoch, last: first.last, frames, at: rows.at(-1)?.at ?? undefined, missed_before }
}

type Held = Pick<Claim, 'id' | 'lease'>

const hold = statement(
  'hold_webhook',
  `update webhooks set pending_last = $3, leased_until = now() + make_interval(secs => $4)
   where id = $1 and lease = $2 and is_active returning 1 as held`,
)

/** Notes which events are sent, before they are, and renews the lease. False: it is lost, or no more wanted. */
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

/** Gives a webhook back, with no attempt made or its end not known. */
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

/** Moves the cursor and ends the lease. `status`: what was answered; null where nothing had to be sent. */
export async function advanceWebhook(
  sql: Sql,
  { id, lease }: Held,
  { last, status }: { last: number; status: number | null },
): Promise<boolean> {
  return (await sql.run(advance, [id, lease, last, status])).length > 0
}

const fail = statement(
  'fail_webhook',
  `update webhooks set failing_since = coalesce(failing_since, now()), failures = failures + 1,
     last_error = $3, last_status = $4::int, last_attempt_at = now(),
     next_attempt_at = now() + make_interval(secs => $5), lease = null, leased_until = null
   where id = $1 and lease = $2
   returning is_active, extract(epoch from now() - failing_since)::float8 as failing_seconds`,
)

/** Ends the lease after a failure. Undefined: it was lost, so this attempt is not counted. */
export async function failWebhook(
  sql: Sql,
  { id, lease }: Held,
  { error, status, wait_seconds }: { error: string; status: number | null; wait_seconds: number },
): Promise<{ is_active: boolean; failing_seconds: number } | undefined> {
  const values = [id, lease, error, status, wait_seconds]
  return (await sql.run<{ is_active: boolean; failing_seconds: number }>(fail, values))[0]
}

const disable = statement(
  'disable_webhook',
  'update webhooks set is_active = false, disabled_at = now() where id = $1',
)

export async function disableWebhookRow(sql: Sql, id: string): Promise<void> {
  await sql.run(disable, [id])
}

import { system } from '#src/domain/actor.ts'
import { type Attempt, GONE, type WebhookTimings, waitAfter } from '#src/domain/webhook.ts'
import { writeAudit } from '#src/store/audit.ts'
import type { Database } from '#src/store/database.ts'
import { advanceWebhook, type Claim, disableWebhookRow, failWebhook } from '#src/store/webhook-deliveries.ts'
import { WEBHOOK_ATTEMPT_MARGIN_MS } from './bounds.ts'

type Failed = Exclude<Attempt, { kind: 'delivered' }>

/**
 * Ends an attempt and its lease: the cursor moves, or the wait grows. A webhook that answers 410, or has failed for too long
 * while it was tried, is disabled. An attempt whose lease was lost does not count.
 */
export async function settleAttempt(
  database: Database,
  { claim, last, attempt }: { claim: Claim; last: number; attempt: Attempt },
  timings: WebhookTimings,
): Promise<'advanced' | 'failed' | 'disabled' | 'lost'> {
  if (attempt.kind === 'delivered') {
    const { status } = attempt
    return (await advanceWebhook(database, claim, { last, status })) ? 'advanced' : 'lost'
  }
  return fail(database, { claim, attempt }, timings)
}

function fail(
  database: Database,
  { claim, attempt }: { claim: Claim; attempt: Failed },
  timings: WebhookTimings,
): Promise<'failed' | 'disabled' | 'lost'> {
  const { status, error } = attempt
  const wait_seconds = waitAfter(claim.failures + 1, Math.random(), timings) / 1000
  const attempt_seconds = (timings.timeout_ms + WEBHOOK_ATTEMPT_MARGIN_MS) / 1000
  return database.transaction(async (sql) => {
    const failed = await failWebhook(sql, claim, { status, error, wait_seconds, attempt_seconds })
    if (!failed) return 'lost'
    const is_hopeless = status === GONE || failed.failed_seconds * 1000 >= timings.disable_after_ms
    if (!failed.is_active || !is_hopeless) return 'failed'
    await disableWebhookRow(sql, claim.id)
    await writeAudit(sql, {
      action: 'webhook_disabled',
      actor: system,
      target_id: claim.id,
      project_id: claim.project_id,
      details: { origin: new URL(claim.url).origin, last_error: error },
    })
    return 'disabled'
  })
}

import { system } from '#src/domain/events.ts'
import { type Attempt, GONE, type WebhookTimings, waitAfter } from '#src/domain/webhook.ts'
import { writeAudit } from '#src/store/audit.ts'
import type { Database } from '#src/store/database.ts'
import { advanceWebhook, type Claim, disableWebhookRow, failWebhook } from '#src/store/webhook-deliveries.ts'

type Failed = Exclude<Attempt, { kind: 'delivered' }>

/**
 * Ends an attempt and its lease: the cursor moves, or the wait grows. One that says it is gone, or has failed
 * for too long, is disabled. Of a lease that was lost nothing is counted.
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
  return database.transaction(async (sql) => {
    const failed = await failWebhook(sql, claim, { status, error, wait_seconds })
    if (!failed) return 'lost'
    const is_hopeless = status === GONE || failed.failing_seconds * 1000 >= timings.disable_after_ms
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

import { randomUUID } from 'node:crypto'
import type { TokenKeys } from '#src/auth/tokens.ts'
import { openSecret, signWebhook } from '#src/auth/webhook-secrets.ts'
import { settleAttempt } from '#src/commands/webhook-deliveries.ts'
import type { Attempt, WebhookTimings } from '#src/domain/webhook.ts'
import type { Database } from '#src/store/database.ts'
import {
  advanceWebhook,
  type Batch,
  type Claim,
  claimDueWebhooks,
  holdBatch,
  readBatch,
  releaseWebhook,
} from '#src/store/webhook-deliveries.ts'
import type { AddressRule } from '#src/webhooks/addresses.ts'
import { sendWebhook } from '#src/webhooks/request.ts'
import type { Job } from './job.ts'

/** Requests of one replica under way; what else is due waits. */
const MAX_RUNNING = 64
/** A lease outlives the request: only a replica that is gone, or whose database hangs, lets it run out. */
const LEASE_MARGIN_MS = 10_000

type Parts = {
  database: Database
  keys: TokenKeys
  isAllowedAddress: AddressRule
  timings: WebhookTimings
  user_agent: string
  onDisabled: (webhook: { webhook_id: string; project_id: string }) => void
  onError: (error: unknown) => void
}

/**
 * Sends the log to webhooks. A webhook is idle, due (its project has events after its cursor, and its wait is
 * over), or leased by one replica for one request. The events of a request are noted in the row before it, so
 * that every repetition has the same id, and the cursor moves after it: each event arrives at least once, in order.
 */
export class WebhookDeliveries {
  readonly counts = { events: 0, delivered: 0, refused: 0, failed: 0, disabled: 0 }
  readonly #parts: Parts
  readonly #lease_seconds: number
  readonly #running = new Set<Promise<void>>()
  readonly #end = new AbortController()
  #claiming: Promise<void> | undefined
  #isAskedAgain = false

  constructor(parts: Parts) {
    this.#parts = parts
    this.#lease_seconds = (parts.timings.timeout_ms + LEASE_MARGIN_MS) / 1000
  }

  get job(): Job {
    return { name: 'webhooks', every_ms: this.#parts.timings.poll_ms, run: () => this.#claim() }
  }

  /** Ends the requests under way: they are repeated, by whoever claims them next. */
  async close(): Promise<void> {
    this.#end.abort()
    await this.#claiming?.catch(() => {})
    await Promise.all(this.#running)
  }

  /** One claim at a time, so that no more run than may. */
  #claim(): Promise<void> {
    this.#isAskedAgain = true
    this.#claiming ??= this.#claimWhileAsked().finally(() => {
      this.#claiming = undefined
    })
    return this.#claiming
  }

  async #claimWhileAsked(): Promise<void> {
    while (this.#isAskedAgain && !this.#end.signal.aborted) {
      this.#isAskedAgain = false
      const limit = MAX_RUNNING - this.#running.size
      if (limit === 0) return
      const want = { lease: randomUUID(), seconds: this.#lease_seconds, limit }
      for (const claim of await claimDueWebhooks(this.#parts.database, want)) this.#start(claim)
    }
  }

  #start(claim: Claim): void {
    const running = this.#deliver(claim)
      .catch(async (error) => {
        if (!this.#end.signal.aborted) this.#parts.onError(error)
        await releaseWebhook(this.#parts.database, claim).catch(() => {})
        return false
      })
      .then((has_advanced) => {
        this.#running.delete(running)
        // A webhook may have more, and others may wait for the place.
        if (has_advanced || this.#running.size === MAX_RUNNING - 1)
          this.#claim().catch((error) => this.#parts.onError(error))
      })
    this.#running.add(running)
  }

  /** True: the cursor has moved. Rejects where the end of the attempt is not known. */
  async #deliver(claim: Claim): Promise<boolean> {
    const { database, timings, onDisabled } = this.#parts
    const batch = await readBatch(database, claim)
    if (!batch) {
      await releaseWebhook(database, claim)
      return false
    }
    const { last, frames, missed_before } = batch
    if (frames.length === 0 && missed_before === undefined)
      return advanceWebhook(database, claim, { last, status: null })
    if (!(await holdBatch(database, claim, { last, seconds: this.#lease_seconds }))) {
      await releaseWebhook(database, claim)
      return false
    }
    const attempt = await this.#attempt(claim, batch)
    this.counts[attempt.kind]++
    const end = await settleAttempt(database, { claim, last, attempt }, timings)
    if (end === 'advanced') this.counts.events += frames.length
    if (end === 'disabled') {
      this.counts.disabled++
      onDisabled({ webhook_id: claim.id, project_id: claim.project_id })
    }
    return end === 'advanced'
  }

  async #attempt(claim: Claim, batch: Batch): Promise<Attempt> {
    const { keys, isAllowedAddress, timings, user_agent } = this.#parts
    const sealed = claim.old_secret === null ? [claim.secret] : [claim.secret, claim.old_secret]
    const secrets = sealed.flatMap((one) => openSecret(one, claim.id, keys)?.secret ?? [])
    if (secrets.length === 0)
      return { kind: 'failed', status: null, error: 'No SECRET_KEY of the server opens the secret' }
    const body = writeBody(claim, batch)
    const id = `${claim.id}_${batch.epoch}_${claim.cursor + 1}_${batch.last}`
    const timestamp = Math.floor(Date.now() / 1000)
    return sendWebhook(isAllowedAddress, {
      url: claim.url,
      headers: {
        'user-agent': user_agent,
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signWebhook(secrets, { id, timestamp, body }),
      },
      body,
      timeout_ms: timings.timeout_ms,
      signal: this.#end.signal,
    })
  }
}

/** The log's frames are JSON already, and go out to the letter. */
function writeBody({ project_id }: Claim, { frames, at, missed_before }: Batch): string {
  const missed = missed_before === undefined ? '' : `"missed_before":${missed_before},`
  const data = `{"project_id":"${project_id}",${missed}"events":[${frames.join(',')}]}`
  return `{"type":"agent.events","timestamp":"${at ?? new Date().toISOString()}","data":${data}}`
}

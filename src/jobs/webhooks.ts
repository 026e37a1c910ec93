import { randomUUID } from 'node:crypto'
import { settleAttempt } from '#src/commands/webhook-deliveries.ts'
import type { Attempt, WebhookTimings } from '#src/domain/webhook.ts'
import type { DatabaseClock } from '#src/store/clock.ts'
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
import { type WebhookBody, writeBody } from '#src/webhooks/bodies.ts'
import type { SendSigned } from '#src/webhooks/sender.ts'
import type { Job } from './job.ts'

/** Running requests of one replica; other due webhooks wait. */
const MAX_RUNNING = 64
/** A lease outlives its request, so it runs out only if the replica is gone or its database hangs. */
const LEASE_MARGIN_MS = 10_000

type Parts = {
  database: Database
  clock: DatabaseClock
  send: SendSigned
  timings: WebhookTimings
  /** Where people reach this deployment; undefined: where its webhooks were created. */
  public_url: string | undefined
  onDisabled: (webhook: { webhook_id: string; project_id: string }) => void
  onError: (error: unknown) => void
}

/**
 * Sends the log to webhooks. A webhook is idle, due (its project has events after its cursor, and its wait is over), or
 * leased by one replica for one request. The row notes the events of a request before it is sent, so that every
 * repetition has the same id, and the cursor moves after it. So each event arrives at least once, in order.
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

  /** Aborts running requests. The replica that claims them next repeats them. */
  async close(): Promise<void> {
    this.#end.abort()
    await this.#claiming?.catch(() => {})
    await Promise.all(this.#running)
  }

  /** One claim at a time, so that no more requests run than MAX_RUNNING. */
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
        // The webhook may have more events, and other webhooks may wait for the place.
        if (has_advanced || this.#running.size === MAX_RUNNING - 1)
          this.#claim().catch((error) => this.#parts.onError(error))
      })
    this.#running.add(running)
  }

  /** True: the cursor has moved. Rejects if the end of the attempt is unknown. */
  async #deliver(claim: Claim): Promise<boolean> {
    const { database, timings, onDisabled } = this.#parts
    const batch = await readBatch(database, claim)
    if (!batch) {
      await releaseWebhook(database, claim)
      return false
    }
    const { last, frames } = batch
    const body = this.#write(claim, batch)
    if (!body) return advanceWebhook(database, claim, { last, status: null })
    if (!(await holdBatch(database, claim, { last, seconds: this.#lease_seconds }))) {
      await releaseWebhook(database, claim)
      return false
    }
    const attempt = await this.#attempt(claim, batch, body)
    this.counts[attempt.kind]++
    const end = await settleAttempt(database, { claim, last, attempt }, timings)
    if (end === 'advanced') this.counts.events += frames.length
    if (end === 'disabled') {
      this.counts.disabled++
      onDisabled({ webhook_id: claim.id, project_id: claim.project_id })
    }
    return end === 'advanced'
  }

  /** Undefined: there is nothing to send. */
  #write(claim: Claim, { frames, at, missed_before }: Batch): WebhookBody | undefined {
    if (frames.length === 0 && missed_before === undefined) return undefined
    const { clock, public_url } = this.#parts
    const { project_id, format, origin } = claim
    const target = { project_id, base: public_url ?? origin ?? undefined }
    return writeBody(format, target, { frames, at: at ?? clock.time(), missed_before })
  }

  #attempt(claim: Claim, batch: Batch, body: WebhookBody): Promise<Attempt> {
    // With another filter or format the same part of the log is another message.
    const revision = claim.revision === 0 ? '' : `_r${claim.revision}`
    const id = `${claim.id}_${batch.epoch}_${claim.cursor + 1}_${batch.last}${revision}`
    return this.#parts.send(claim, { ...body, id }, this.#end.signal)
  }
}

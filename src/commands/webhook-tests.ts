import { v7 as uuid } from 'uuid'
import { type Principal, toActor } from '#src/domain/access.ts'
import { notFound, SignalboxError } from '#src/domain/errors.ts'
import type { WebhookTest } from '#src/domain/webhook.ts'
import { writeAudit } from '#src/store/audit.ts'
import { findReceiver } from '#src/store/webhooks.ts'
import type { SendSigned } from '#src/webhooks/sender.ts'
import { writeTestBody } from '#src/webhooks/test-bodies.ts'
import { MAX_WEBHOOK_TESTS, WEBHOOK_TEST_RETRY_SECONDS } from './bounds.ts'
import type { CommandContext } from './context.ts'

type Parts = Pick<CommandContext, 'database' | 'clock'> & {
  send: SendSigned
  /** Where people reach this deployment; undefined: where its webhooks were created. */
  public_url: string | undefined
}

type Target = { project_id: string; webhook_id: string; principal: Principal }

/** REST `test_webhook`: requests outside of the log, which change neither the position nor the state of a webhook. */
export class WebhookTests {
  readonly #parts: Parts
  #running = 0

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Refuses with `rate_limited` while as many tests run as may. */
  async run(target: Target): Promise<WebhookTest> {
    if (this.#running >= MAX_WEBHOOK_TESTS) {
      const message = 'Too many tests of webhooks are running'
      throw new SignalboxError('rate_limited', [{ message, field: null }], WEBHOOK_TEST_RETRY_SECONDS)
    }
    this.#running++
    try {
      return await this.#send(target)
    } finally {
      this.#running--
    }
  }

  async #send({ principal, ...target }: Target): Promise<WebhookTest> {
    const { database, clock, send, public_url } = this.#parts
    const { project_id, webhook_id } = target
    const receiver = await database.transaction(async (sql) => {
      const found = await findReceiver(sql, target)
      if (!found) throw notFound.webhook(webhook_id, project_id)
      await writeAudit(sql, {
        action: 'webhook_tested',
        actor: toActor(principal),
        target_id: webhook_id,
        project_id,
        details: { origin: new URL(found.url).origin },
      })
      return found
    })
    const id = `${webhook_id}_test_${uuid()}`
    const base = public_url ?? receiver.origin ?? undefined
    const body = writeTestBody(receiver.format, { project_id, base, id, at: clock() })
    const started = performance.now()
    const attempt = await send(receiver, { ...body, id }, new AbortController().signal)
    return {
      delivered: attempt.kind === 'delivered',
      status: attempt.status,
      error: attempt.kind === 'delivered' ? null : attempt.error,
      duration_ms: Math.round(performance.now() - started),
    }
  }
}

import type { Signal } from '#src/domain/signal.ts'
import { type Ack, toDetail } from './inbox.ts'

/** A message of an operator. The server sends it again, to a later process too, until it is done or failed. */
export type QueuedMessage = {
  readonly id: string
  /** `payload.text`; of a payload without text, its JSON. */
  readonly text: string
  readonly payload: Record<string, unknown> | null
  /** The model was given it. */
  done(): void
  /** It will not be given to the model; operators see why. */
  fail(why: string): void
}

/** Messages that no model was given yet, oldest first. The server has at most 1,000 of an agent under way. */
export class MessageQueue {
  #waiting: QueuedMessage[] = []
  /** With those that were taken. */
  readonly #open = new Set<QueuedMessage>()

  add({ id, payload }: Signal, settle: (ack: Ack) => void): void {
    const end = (ack: Ack) => {
      this.#open.delete(message)
      this.#waiting = this.#waiting.filter((other) => other !== message)
      settle(ack)
    }
    const message: QueuedMessage = {
      ...{ id, payload, text: toText(payload) },
      done: () => end({ outcome: 'done' }),
      fail: (why) => end({ outcome: 'failed', detail: toDetail(why) }),
    }
    this.#open.add(message)
    this.#waiting.push(message)
  }

  take(): QueuedMessage[] {
    return this.#waiting.splice(0)
  }

  failAll(why: string): void {
    for (const message of this.#open) message.fail(why)
  }

  /** They were for another agent. */
  drop(): void {
    this.#waiting = []
    this.#open.clear()
  }
}

function toText(payload: Signal['payload']): string {
  return typeof payload?.text === 'string' ? payload.text : JSON.stringify(payload ?? {})
}

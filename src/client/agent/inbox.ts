import type { Signal } from '#src/domain/signal.ts'

/** The acknowledgement of a signal. */
export type Ack = { outcome: 'done' } | { outcome: 'failed'; detail: string }

/** Remembered outcomes; the oldest goes first. More than can be open at once (1,000 messages, 1,000 answers, one control signal). */
const MAX_REMEMBERED = 4_096
/** The server keeps this many characters of a failure; the rest is cut. */
const MAX_DETAIL = 2_000

type Handlers = {
  /** Obeys the signal; rejects where that fails. */
  obey: (signal: Signal) => Promise<void>
  acknowledge: (signal_id: string, ack: Ack) => void
}

/**
 * The signals of one agent. Each is obeyed once, by its id, and acknowledged each time the server sends it. Control signals
 * run one after the other, and so do messages and answers, in three lanes: a long message must not delay a pause.
 */
export class Inbox {
  readonly #handlers: Handlers
  readonly #known = new Map<string, Ack | 'under way'>()
  readonly #lanes = { control: Promise.resolve(), message: Promise.resolve(), answer: Promise.resolve() }

  constructor(handlers: Handlers) {
    this.#handlers = handlers
  }

  /** Whether the signal is new. One that is kept aside is not obeyed here, and waits for `settle`. */
  take(signal: Signal, { isKept = false } = {}): boolean {
    const known = this.#known.get(signal.id)
    if (known === undefined) {
      this.#remember(signal.id, 'under way')
      if (isKept) return true
      const lane = signal.kind === 'message' || signal.kind === 'answer' ? signal.kind : 'control'
      this.#lanes[lane] = this.#lanes[lane].then(() => this.#work(signal))
    } else if (known !== 'under way') this.#handlers.acknowledge(signal.id, known)
    return known === undefined
  }

  /** Sets the outcome of a signal under way, without waiting for its handler. */
  settle(signal_id: string, ack: Ack): void {
    if (this.#known.get(signal_id) !== 'under way') return
    this.#known.set(signal_id, ack)
    this.#handlers.acknowledge(signal_id, ack)
  }

  async #work(signal: Signal): Promise<void> {
    try {
      await this.#handlers.obey(signal)
      this.settle(signal.id, { outcome: 'done' })
    } catch (error) {
      this.settle(signal.id, { outcome: 'failed', detail: toDetail(error) })
    }
  }

  #remember(signal_id: string, ack: Ack | 'under way'): void {
    this.#known.set(signal_id, ack)
    for (const [id, known] of this.#known) {
      if (this.#known.size <= MAX_REMEMBERED) return
      if (known !== 'under way') this.#known.delete(id)
    }
  }
}

/** The error as text that the server can store. */
export function toDetail(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).replaceAll('\0', '').toWellFormed()
  return text.length <= MAX_DETAIL ? text : [...text.slice(0, 2 * MAX_DETAIL)].slice(0, MAX_DETAIL).join('')
}

import type { Signal } from '#src/domain/signal.ts'

/** What is told the server of a signal. */
export type Ack = { outcome: 'done' } | { outcome: 'failed'; detail: string }

/** Signals whose outcome is remembered: more than can be unacknowledged at once (1,000 messages, one control signal). */
const MAX_REMEMBERED = 4_096
/** Characters that the server keeps of a failure. */
const MAX_DETAIL = 2_000

type Parts = {
  /** Does what the signal says; rejects where that fails. */
  obey: (signal: Signal) => Promise<void>
  acknowledge: (signal_id: string, ack: Ack) => void
}

/**
 * The signals of one agent. Each is obeyed once, by its id, and acknowledged as often as it comes. Control signals are
 * obeyed one after the other, messages too, but neither waits for the other: a long message must not hold up a pause.
 */
export class Inbox {
  readonly #parts: Parts
  readonly #known = new Map<string, Ack | 'under way'>()
  readonly #lanes = { control: Promise.resolve(), message: Promise.resolve() }

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Whether it is new. */
  take(signal: Signal): boolean {
    const known = this.#known.get(signal.id)
    if (known === undefined) {
      this.#remember(signal.id, 'under way')
      const lane = signal.kind === 'message' ? 'message' : 'control'
      this.#lanes[lane] = this.#lanes[lane].then(() => this.#work(signal))
    } else if (known !== 'under way') this.#parts.acknowledge(signal.id, known)
    return known === undefined
  }

  /** The one under way is done, whatever is still to come of it. */
  settle(signal_id: string, ack: Ack): void {
    if (this.#known.get(signal_id) !== 'under way') return
    this.#known.set(signal_id, ack)
    this.#parts.acknowledge(signal_id, ack)
  }

  async #work(signal: Signal): Promise<void> {
    try {
      await this.#parts.obey(signal)
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

/** Text that the server can keep. */
export function toDetail(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).replaceAll('\0', '').toWellFormed()
  return text.length <= MAX_DETAIL ? text : [...text.slice(0, 2 * MAX_DETAIL)].slice(0, MAX_DETAIL).join('')
}

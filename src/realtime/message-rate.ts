const SECONDS = 10

/** What a client may send a second, on average over ten (protocol: 4429); not scaled by RATE_LIMIT_MULTIPLIER. */
export const messagesASecond = {
  ordinary: 100,
  /** Acknowledgements, attaches, and reports of attached agents. */
  runtime: 2_000,
} as const

export type MessageClass = keyof typeof messagesASecond

/** Counts the messages of one socket by the second, over the last ten. */
export class MessageRate {
  readonly #counts: Record<MessageClass, number[]> = {
    ordinary: Array(SECONDS).fill(0),
    runtime: Array(SECONDS).fill(0),
  }
  #second = 0

  /** Counts one message; false: it is one too many. `now` in milliseconds. */
  take(kind: MessageClass, now: number): boolean {
    this.#turnTo(Math.floor(now / 1000))
    const counts = this.#counts[kind]
    const place = this.#second % SECONDS
    counts[place] = (counts[place] ?? 0) + 1
    return counts.reduce((sum, count) => sum + count, 0) <= messagesASecond[kind] * SECONDS
  }

  /** Empties the seconds that have passed since the last message. */
  #turnTo(second: number): void {
    if (second <= this.#second) return
    for (let past = Math.max(this.#second + 1, second - SECONDS + 1); past <= second; past++) {
      for (const counts of Object.values(this.#counts)) counts[past % SECONDS] = 0
    }
    this.#second = second
  }
}

import { messagesPerSecond } from '#src/realtime/bounds.ts'

const SECONDS = 10

export type MessageClass = keyof typeof messagesPerSecond

/** Counts the messages of one socket over the last ten seconds. */
export class MessageRate {
  readonly #counts: Record<MessageClass, number[]> = {
    ordinary: Array(SECONDS).fill(0),
    runtime: Array(SECONDS).fill(0),
  }
  #second = 0

  /** Counts one message. False: it exceeds the rate. `now` in milliseconds. */
  take(kind: MessageClass, now: number): boolean {
    this.#turnTo(Math.floor(now / 1000))
    const counts = this.#counts[kind]
    const place = this.#second % SECONDS
    counts[place] = (counts[place] ?? 0) + 1
    return counts.reduce((sum, count) => sum + count, 0) <= messagesPerSecond[kind] * SECONDS
  }

  /** Clears the counts of the seconds since the last message. */
  #turnTo(second: number): void {
    if (second <= this.#second) return
    for (let past = Math.max(this.#second + 1, second - SECONDS + 1); past <= second; past++) {
      for (const counts of Object.values(this.#counts)) counts[past % SECONDS] = 0
    }
    this.#second = second
  }
}

const TICK_MS = 250
/** A longer turn of the event loop counts as this long. */
const LONGEST_TURN_MS = 500

/**
 * Counts the milliseconds in which this process could hear its peers. A standstill (a long turn, a stopped process) does
 * not count: messages that arrived during it wait to be read, so the peers were not silent.
 */
export class AwakeClock {
  #counted = 0
  #last = performance.now()
  readonly #timer = setInterval(() => this.now(), TICK_MS).unref()

  readonly now = (): number => {
    const now = performance.now()
    this.#counted += Math.min(now - this.#last, LONGEST_TURN_MS)
    this.#last = now
    return this.#counted
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

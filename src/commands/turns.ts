type Waiting = { start: () => void }

/** `places`: how many work at once; `of_one`: how many of them with the same key. */
export type TurnBounds = { places: number; of_one: number }

/**
 * Work that waits for a place, by key. The keys take turns, so a busy key delays the others by one piece of work. A key whose
 * places are all taken is skipped.
 */
export class Turns {
  readonly #bounds: TurnBounds
  /** By key; the key whose turn is next comes first. */
  readonly #waiting = new Map<string, Waiting[]>()
  readonly #working = new Map<string, number>()
  #taken = 0

  constructor(bounds: TurnBounds) {
    this.#bounds = bounds
  }

  /** How many wait for a place of that key. */
  waiting(key: string): number {
    return this.#waiting.get(key)?.length ?? 0
  }

  /** The keys that have a place, or wait for one. */
  get keys(): ReadonlySet<string> {
    return new Set([...this.#working.keys(), ...this.#waiting.keys()])
  }

  async run<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    await this.#enter(key)
    try {
      return await work()
    } finally {
      this.#leave(key)
    }
  }

  #enter(key: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const queue = this.#waiting.get(key)
    if (queue) queue.push({ start: resolve })
    else this.#waiting.set(key, [{ start: resolve }])
    this.#next()
    return promise
  }

  #leave(key: string): void {
    this.#taken--
    const left = (this.#working.get(key) ?? 1) - 1
    if (left > 0) this.#working.set(key, left)
    else this.#working.delete(key)
    this.#next()
  }

  #next(): void {
    while (this.#taken < this.#bounds.places) {
      const key = this.#findNext()
      const queue = key === undefined ? undefined : this.#waiting.get(key)
      const first = queue?.shift()
      if (key === undefined || !queue || !first) return
      this.#waiting.delete(key)
      if (queue.length > 0) this.#waiting.set(key, queue)
      this.#taken++
      this.#working.set(key, (this.#working.get(key) ?? 0) + 1)
      first.start()
    }
  }

  #findNext(): string | undefined {
    for (const key of this.#waiting.keys()) {
      if ((this.#working.get(key) ?? 0) < this.#bounds.of_one) return key
    }
    return undefined
  }
}

import type { Run, Runs } from './runs.ts'

/** Where a loop stands, and in which run. Without a waiter it stands elsewhere, and passes the gate afterwards. */
type Place = { run: Run | undefined; waiter?: PromiseWithResolvers<void> }

/**
 * Where the loops of an agent wait while the agent is paused. It also says when they have arrived: only then has an agent
 * without an `onPause` handler stopped.
 */
export class PauseGate {
  readonly #runs: Runs
  readonly #places = new Set<Place>()
  #isClosed = false
  #ending: Error | undefined
  #hasStopped = false
  #arrivals: (() => void)[] = []

  constructor(runs: Runs) {
    this.#runs = runs
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Resolves when the gate is open; rejects after `end`. */
  pass(): Promise<void> {
    if (this.#ending) {
      this.#hasStopped = true
      this.look()
      return Promise.reject(this.#ending)
    }
    if (!this.#isClosed) return Promise.resolve()
    const waiter = Promise.withResolvers<void>()
    this.#places.add({ run: this.#runs.current, waiter })
    this.look()
    return waiter.promise
  }

  /** The loop does nothing until the promise has resolved, and passes the gate after that. */
  async stand<Result>(pending: Promise<Result>): Promise<Result> {
    const place: Place = { run: this.#runs.current }
    this.#places.add(place)
    this.look()
    const result = await pending.finally(() => this.#places.delete(place))
    await this.pass()
    return result
  }

  close(): void {
    this.#isClosed = true
  }

  open(): void {
    this.#isClosed = false
    for (const { resolve } of this.#dismiss()) resolve()
  }

  /** Rejects every waiting and every later `pass` with the error. */
  end(error: Error): void {
    this.#ending ??= error
    if (this.#places.size > 0) this.#hasStopped = true
    for (const { reject } of this.#dismiss()) reject(error)
    this.look()
  }

  /** Resolves when every loop waits at the gate, or has ended; also after `giveUp`. */
  whenReached(): Promise<void> {
    return new Promise((resolve) => {
      this.#arrivals.push(resolve)
      this.look()
    })
  }

  /** Ends every `whenReached`: a newer signal has overtaken the one that waits. */
  giveUp(): void {
    for (const arrive of this.#arrivals.splice(0)) arrive()
  }

  /** A run may have ended. */
  look(): void {
    if (this.#isReached) this.giveUp()
  }

  /** Without runs there is one loop. Of each run, one place is enough; a place outside stands for any of them. */
  get #isReached(): boolean {
    const { active, isUsed } = this.#runs
    if (active.size === 0) return isUsed || this.#hasStopped || this.#places.size > 0
    // At the end, loops leave their places to clean up.
    if (this.#ending) return false
    const standing = new Set<Run | Place>()
    for (const place of this.#places) standing.add(place.run && active.has(place.run) ? place.run : place)
    return standing.size >= active.size
  }

  #dismiss(): PromiseWithResolvers<void>[] {
    const waiting = [...this.#places].filter(({ waiter }) => waiter)
    return waiting.flatMap((place) => (this.#places.delete(place) && place.waiter) || [])
  }
}

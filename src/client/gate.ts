/**
 * Where the loop of an agent waits while the agent is paused. It also tells when somebody stands there: only then has a
 * loop that nobody else watches over really stopped.
 */
export class Gate {
  #isClosed = false
  #ending: Error | undefined
  #hasStopped = false
  #waiting: PromiseWithResolvers<void>[] = []
  #lookouts: (() => void)[] = []

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Resolves when it is open; rejects with the ending's error. */
  pass(): Promise<void> {
    if (this.#ending) {
      this.#stopped()
      return Promise.reject(this.#ending)
    }
    if (!this.#isClosed) return Promise.resolve()
    const waiting = Promise.withResolvers<void>()
    this.#waiting.push(waiting)
    this.#wake()
    return waiting.promise
  }

  close(): void {
    this.#isClosed = true
  }

  open(): void {
    this.#isClosed = false
    for (const { resolve } of this.#waiting.splice(0)) resolve()
  }

  /** Everybody who stands there, or comes, gets the error. */
  end(error: Error): void {
    this.#ending ??= error
    const waiting = this.#waiting.splice(0)
    if (waiting.length > 0) this.#stopped()
    for (const { reject } of waiting) reject(error)
  }

  /** Resolves when somebody stands there, or has been sent away; and by `giveUp`. */
  whenReached(): Promise<void> {
    if (this.#hasStopped || this.#waiting.length > 0) return Promise.resolve()
    return new Promise((resolve) => this.#lookouts.push(resolve))
  }

  /** What was waited for is not needed any more. */
  giveUp(): void {
    this.#wake()
  }

  #stopped(): void {
    this.#hasStopped = true
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#lookouts.splice(0)) wake()
  }
}

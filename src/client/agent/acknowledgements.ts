/** Acknowledgements that the server has not answered. If one is lost, the server sends its signal again. */
export class Acknowledgements {
  readonly #open = new Set<string>()
  #none: PromiseWithResolvers<void> | undefined

  sent(signal_id: string): void {
    this.#open.add(signal_id)
  }

  answered(signal_id: string): void {
    this.#open.delete(signal_id)
    this.#look()
  }

  /** The socket has ended, so no answers will come. */
  clear(): void {
    this.#open.clear()
    this.#look()
  }

  /** Resolves when none is open. */
  whenNone(): Promise<void> {
    this.#none ??= Promise.withResolvers()
    const { promise } = this.#none
    this.#look()
    return promise
  }

  #look(): void {
    if (this.#open.size > 0) return
    this.#none?.resolve()
    this.#none = undefined
  }
}

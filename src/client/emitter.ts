type Listener<Value> = (value: Value) => void

/** Listeners by the name of what they listen to. One that throws harms nobody else: its error is uncaught. */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>()
  readonly #newest = new Map<keyof Events, unknown>()

  /** Returns what ends the listening. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(listener))
    return () => listeners.delete(listener)
  }

  /** Where a listener brings about a newer value, the others hear that one alone: nobody is left with what has passed. */
  emit<Name extends keyof Events>(name: Name, value: Events[Name]): void {
    this.#newest.set(name, value)
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      if (this.#newest.get(name) !== value) return
      try {
        ;(listener as Listener<Events[Name]>)(value)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}

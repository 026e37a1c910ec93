type Listener<Value> = (value: Value) => void

/** Listeners by event name. One that throws does not stop the others: its error becomes an uncaught one. */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>()
  readonly #newest = new Map<keyof Events, unknown>()

  /** Returns a function that removes the listener. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(listener))
    return () => listeners.delete(listener)
  }

  /** If a listener causes a newer value, the others get only that one, so that none ends with an old value. */
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

/** Attaches and detaches of one connection, in turn for each key: the id of an agent, or its name. */
export class AgentTurns {
  readonly #moving = new Map<string, Promise<unknown>>()

  has(key: string): boolean {
    return this.#moving.has(key)
  }

  /** Resolves when what is under way now is done, and before what comes after it begins. */
  settled(key: string): Promise<unknown> | undefined {
    return this.#moving.get(key)
  }

  /** Waits for everything that was asked for before with one of the keys. */
  run(keys: readonly string[], move: () => Promise<void>): Promise<void> {
    const before = keys.flatMap((key) => this.#moving.get(key) ?? [])
    const moving = before.length > 0 ? Promise.all(before).then(move) : move()
    const settled = moving
      .catch(() => {})
      .then(() => {
        for (const key of keys) if (this.#moving.get(key) === settled) this.#moving.delete(key)
      })
    for (const key of keys) this.#moving.set(key, settled)
    return moving
  }
}

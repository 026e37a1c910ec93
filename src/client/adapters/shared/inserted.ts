/** Items that were inserted where the history had `at` items, the last of which was `after`. */
type Insertion<Item> = { at: number; after: string; items: readonly Item[]; isGiven: boolean }

/** Beyond these, the oldest are left out of later prompts. */
const MAX_INSERTIONS = 100

/**
 * Messages of operators in a history that the framework rebuilds for each call of the model: they are not in it, so each call
 * inserts again, in their places, those that calls before had at their ends.
 */
export class Inserted<Item> {
  #insertions: Insertion<Item>[] = []

  /** The history with what belongs to it, and then the new items. */
  weave(history: readonly Item[], items: readonly Item[]): Item[] {
    // A call with the same history as one that has succeeded begins another conversation with the same words.
    this.#insertions = this.#insertions.filter(
      (one) => !(one.isGiven && one.at === history.length && this.#isOf(history, one)),
    )
    if (items.length > 0) {
      const after = JSON.stringify(history.at(-1) ?? null)
      this.#insertions.push({ at: history.length, after, items, isGiven: false })
      this.#insertions.splice(0, this.#insertions.length - MAX_INSERTIONS)
    }
    const woven = [...history]
    const own = this.#insertions.filter((one) => this.#isOf(history, one))
    for (const { at, items } of own.reverse()) woven.splice(at, 0, ...items)
    return woven
  }

  /** The call has succeeded: it will not be made again. */
  given(): void {
    for (const insertion of this.#insertions) insertion.isGiven = true
  }

  /** It has its place in this history, which does not have it by itself. */
  #isOf(history: readonly Item[], { at, after, items: [first] }: Insertion<Item>): boolean {
    if (at > history.length || JSON.stringify(history[at - 1] ?? null) !== after) return false
    return JSON.stringify(history[at]) !== JSON.stringify(first)
  }
}

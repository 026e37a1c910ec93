import { MAX_PROJECT_CHANGES, PROJECT_WAIT_MS } from './bounds.ts'

/**
 * Repeated work on many projects. A project that is held up delays the others by PROJECT_WAIT_MS at most, and is left out
 * until its work has ended.
 */
export class ByProject {
  readonly #underWay = new Set<string>()
  #failure: { error: unknown } | undefined

  /** The projects whose work has not ended yet. */
  get heldUp(): string[] {
    return [...this.#underWay]
  }

  /** Skips the items of projects that are held up. Rejects with a failure of this call, or of an earlier one. */
  async run<Item extends { project_id: string }>(
    items: readonly Item[],
    work: (item: Item) => Promise<unknown>,
  ): Promise<void> {
    const waits: Promise<void>[] = []
    for (const [project_id, own] of Map.groupBy(items, (item) => item.project_id)) {
      if (!this.#underWay.has(project_id)) waits.push(this.#start(project_id, own, work))
    }
    await within(Promise.all(waits), PROJECT_WAIT_MS)
    const failure = this.#failure
    this.#failure = undefined
    if (failure) throw failure.error
  }

  async #start<Item>(
    project_id: string,
    items: readonly Item[],
    work: (item: Item) => Promise<unknown>,
  ): Promise<void> {
    this.#underWay.add(project_id)
    const note = (error: unknown) => {
      this.#failure ??= { error }
    }
    for (let start = 0; start < items.length; start += MAX_PROJECT_CHANGES) {
      await Promise.all(items.slice(start, start + MAX_PROJECT_CHANGES).map((item) => work(item).catch(note)))
    }
    this.#underWay.delete(project_id)
  }
}

function within(work: Promise<unknown>, ms: number): Promise<unknown> {
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, ms)
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer))
}

import type { AgentSummary } from '#src/domain/agent.ts'

const none: ReadonlySet<string> = new Set()

/** Which agent started which. A parent never changes, and no agent leaves its project. */
export class Trees {
  readonly #children = new Map<string, Set<string>>()

  add({ id, parent_id }: Pick<AgentSummary, 'id' | 'parent_id'>): void {
    if (parent_id === null) return
    const children = this.#children.get(parent_id)
    if (children) children.add(id)
    else this.#children.set(parent_id, new Set([id]))
  }

  clear(): void {
    this.#children.clear()
  }

  children(id: string): ReadonlySet<string> {
    return this.#children.get(id) ?? none
  }

  /** All below these agents, each once, without themselves. */
  *descendants(ids: Iterable<string>): Generator<string> {
    const seen = new Set(ids)
    const waiting = [...seen]
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      for (const child of this.children(id)) {
        if (seen.has(child)) continue
        seen.add(child)
        waiting.push(child)
        yield child
      }
    }
  }
}

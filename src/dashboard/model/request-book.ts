import { type Asked, byAge } from './requests.ts'

/** Ended requests that are remembered, so that the page can say how they ended. */
const MAX_ENDED = 500

/** The open requests that the page knows, from lists and from events, which may arrive in any order. */
export class RequestBook {
  readonly #open = new Map<string, Asked>()
  readonly #ended = new Map<string, Asked>()
  /** What events opened since the last reading began: a list may be older than that. */
  readonly #fresh = new Set<string>()

  /** Oldest first. */
  get open(): Asked[] {
    return [...this.#open.values()].sort(byAge)
  }

  find(id: string): Asked | undefined {
    return this.#open.get(id) ?? this.#ended.get(id)
  }

  beginReading(): void {
    this.#fresh.clear()
  }

  /** Takes over the list that was read since `beginReading`. */
  fill(listed: readonly Asked[]): void {
    const kept = [...this.#fresh].map((id) => this.#open.get(id)).filter((request) => request !== undefined)
    this.#open.clear()
    for (const request of [...kept, ...listed])
      if (!this.#ended.has(request.id)) this.#open.set(request.id, request)
  }

  /** One request as an event or an answer has it. A request never opens again. */
  note(request: Asked): void {
    const { id } = request
    if (this.#ended.has(id) && request.state === 'open') return
    const noted = { ...this.find(id), ...request }
    if (request.state === 'open') {
      this.#open.set(id, noted)
      this.#fresh.add(id)
      return
    }
    this.#open.delete(id)
    this.#fresh.delete(id)
    this.#ended.delete(id)
    this.#ended.set(id, noted)
    const [oldest] = this.#ended.keys()
    if (this.#ended.size > MAX_ENDED && oldest !== undefined) this.#ended.delete(oldest)
  }
}

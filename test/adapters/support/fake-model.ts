/** What a model answers: words, or a call of a tool. Without an `id`, the call has one that no other has. */
export type Reply = { text: string } | { tool: string; input: Record<string, unknown>; id?: string }

/** What each answer is said to have used. */
export const used = { input: 110, output: 23, cached: 40, reasoning: 5 } as const

export type Call = {
  /** All that the model was given, as text. */
  prompt: string
  signal: AbortSignal | undefined
  reply(reply: Reply): void
}

/** A model that answers what a test says, when it says it. */
export class FakeModel {
  readonly calls: Call[] = []
  #answered = 0
  #waiting: PromiseWithResolvers<Call> | undefined
  #taken = 0

  /** Calls that were answered; each has used the same. */
  get answered(): number {
    return this.#answered
  }

  /** For the fake of a framework's model: resolves with the answer, and with an id for the call of a tool. */
  ask(prompt: unknown, signal?: AbortSignal): Promise<Reply & { id: string }> {
    const { promise, resolve } = Promise.withResolvers<Reply & { id: string }>()
    const id = `call_${this.calls.length + 1}`
    const reply = (given: Reply) => {
      this.#answered++
      resolve({ id, ...given })
    }
    this.calls.push({ prompt: typeof prompt === 'string' ? prompt : JSON.stringify(prompt), signal, reply })
    this.#look()
    return promise
  }

  /** The next call that no test has seen yet. */
  next(): Promise<Call> {
    this.#waiting = Promise.withResolvers<Call>()
    const { promise } = this.#waiting
    this.#look()
    return promise
  }

  #look(): void {
    const call = this.calls[this.#taken]
    if (!call || !this.#waiting) return
    this.#taken++
    this.#waiting.resolve(call)
    this.#waiting = undefined
  }
}

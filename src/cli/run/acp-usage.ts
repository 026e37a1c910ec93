import type { Usage } from '#src/client/agent/usage.ts'
import type { RpcResult } from './acp-lines.ts'

/** Signalbox counts in one currency. */
const CURRENCY = 'USD'
/** Places that the client library takes. */
const PLACES = 12

/** What a turn used, where the agent says it with the answer to its prompt. */
export function toUsage({ usage, stopReason }: RpcResult): Usage {
  return {
    ...(stopReason !== 'cancelled' && { tasks_completed: 1 }),
    ...(usage && {
      tokens_used: usage.totalTokens,
      input_tokens: usage.inputTokens,
      output_tokens: usage.outputTokens,
      reasoning_output_tokens: usage.thoughtTokens,
      cache_read_input_tokens: usage.cachedReadTokens,
      cache_creation_input_tokens: usage.cachedWriteTokens,
    }),
  }
}

/** What sessions have cost so far, which is what their agent says; a report needs what came on top. */
export class SessionCosts {
  readonly #known = new Map<string, number>()
  readonly #resumed = new Set<string>()

  /** Its cost so far is from before. */
  resumed(sessionId: string): void {
    this.#known.delete(sessionId)
    this.#resumed.add(sessionId)
  }

  closed(sessionId: string): void {
    this.#known.delete(sessionId)
    this.#resumed.delete(sessionId)
  }

  /** Undefined where there is nothing to report. */
  add(sessionId: string, cost: { amount: number; currency: string }): Usage | undefined {
    if (cost.currency !== CURRENCY) return undefined
    const before = this.#known.get(sessionId) ?? (this.#resumed.has(sessionId) ? cost.amount : 0)
    this.#known.set(sessionId, cost.amount)
    const more = cost.amount - before
    return more > 0 ? { cost_incurred: more.toFixed(PLACES) } : undefined
  }
}

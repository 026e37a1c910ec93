import type { ModelUsage, SDKAssistantMessage, SDKMessage } from '@anthropic-ai/claude-agent-sdk'
import type { RunningAgent } from '#src/client/agent/running-agent.ts'
import { tokenKinds } from '#src/domain/usage.ts'
import { reportUsage } from './report-usage.ts'

type Counts = Record<(typeof tokenKinds)[number], number>

/**
 * Reports what Claude uses: tokens with each answer of the model, and with the result of a turn the cost and what no message
 * has shown, such as the calls that Claude Code makes for itself.
 */
export class ClaudeMeter {
  readonly #agent: RunningAgent
  /** By model. */
  readonly #reported = new Map<string, Counts & { cost: number }>()
  /** What the newest answer has used so far: it comes in several messages. */
  #answer: { id: string; counts: Counts } | undefined
  /** The totals of a resumed session have what others have reported. */
  #isResumed: boolean

  constructor(agent: RunningAgent, { isResumed }: { isResumed: boolean }) {
    this.#agent = agent
    this.#isResumed = isResumed
  }

  take(message: SDKMessage): void {
    if (message.type === 'assistant') this.#takeAnswer(message.message)
    if (message.type !== 'result') return
    for (const [model, usage] of Object.entries(message.modelUsage)) this.#takeTotal(model, usage)
    this.#isResumed = false
  }

  #takeAnswer({ id, model, usage }: SDKAssistantMessage['message']): void {
    const counts = toCounts({
      inputTokens: usage.input_tokens,
      outputTokens: usage.output_tokens,
      cacheReadInputTokens: usage.cache_read_input_tokens,
      cacheCreationInputTokens: usage.cache_creation_input_tokens,
      thinkingTokens: usage.output_tokens_details?.thinking_tokens,
    })
    const before = this.#answer?.id === id ? this.#answer.counts : undefined
    this.#answer = { id, counts }
    // The cost comes with the result.
    this.#report(model, subtract(counts, before), 0)
  }

  #takeTotal(key: string, usage: ModelUsage): void {
    const { canonicalModel } = usage
    const isSame = (seen: string) => key.includes(seen) || (canonicalModel && seen.includes(canonicalModel))
    const model = [...this.#reported.keys()].find(isSame) ?? key
    const before = this.#reported.get(model)
    if (this.#isResumed) this.#reported.set(model, { ...toCounts(usage), cost: usage.costUSD })
    else
      this.#report(model, subtract(toCounts(usage), before), Math.max(0, usage.costUSD - (before?.cost ?? 0)))
  }

  #report(model: string, counts: Counts, cost_incurred: number): void {
    const { cost = 0, ...before } = this.#reported.get(model) ?? {}
    this.#reported.set(model, { ...subtract(counts, before, -1), cost: cost + cost_incurred })
    reportUsage(this.#agent, { model, provider: 'anthropic', ...counts, cost_incurred })
  }
}

type Given = { [Field in keyof ModelUsage]?: ModelUsage[Field] | null }

/** What was cached is part of the input. */
function toCounts(usage: Given): Counts {
  const read = usage.cacheReadInputTokens ?? 0
  const created = usage.cacheCreationInputTokens ?? 0
  return {
    input_tokens: (usage.inputTokens ?? 0) + read + created,
    output_tokens: usage.outputTokens ?? 0,
    cache_read_input_tokens: read,
    cache_creation_input_tokens: created,
    reasoning_output_tokens: usage.thinkingTokens ?? 0,
  }
}

/** Never less than nothing: totals may lag behind messages. */
function subtract(counts: Counts, other: Partial<Counts> = {}, sign = 1): Counts {
  const differences = tokenKinds.map((kind) => [kind, Math.max(0, counts[kind] - sign * (other[kind] ?? 0))])
  return Object.fromEntries(differences) as Counts
}

import type { AIMessage, BaseMessage, UsageMetadata } from '@langchain/core/messages'
import type { LLMResult } from '@langchain/core/outputs'
import { GraphCallbackHandler, type GraphInterruptEvent } from '@langchain/langgraph'
import type { RunningAgent } from '#src/client/agent/running-agent.ts'
import { CalledRuns } from './called-runs.ts'
import { reportUsage } from './report-usage.ts'

type Named = { ls_model_name?: string; ls_provider?: string }

/** Messages whose tokens were reported: the callbacks and the middleware may both see them. */
const reported = new WeakSet<UsageMetadata>()

/** Stands before models and tools. LangChain waits for it, and passes its errors on. */
export class LangChainHandler extends GraphCallbackHandler {
  override name = 'Signalbox'
  override awaitHandlers = true
  override raiseError = true
  readonly #agent: RunningAgent
  readonly #runs: CalledRuns
  readonly #models = new Map<string, Named>()

  constructor(agent: RunningAgent) {
    super()
    this.#agent = agent
    this.#runs = new CalledRuns(agent)
  }

  /** LangChain gives the id of the parent where its types have the kind of the run. */
  override async handleChainStart(_chain: object, inputs: object, runId: string, parentRunId?: string) {
    if (parentRunId === undefined) await this.#runs.begin(runId, taskOf(inputs))
  }

  /** Before its end: an interrupted graph is not done. */
  override handleInterrupt({ runId = '' }: GraphInterruptEvent) {
    this.#runs.end(runId, new Error('Interrupted'))
  }

  override handleChainEnd(_outputs: object, runId: string) {
    this.#runs.end(runId)
  }

  override handleChainError(error: Error, runId: string) {
    this.#runs.end(runId, error)
  }

  override async handleChatModelStart(...args: unknown[]) {
    await this.#startModel(args)
  }

  override async handleLLMStart(...args: unknown[]) {
    await this.#startModel(args)
  }

  override handleLLMEnd(output: LLMResult, runId: string) {
    const named = this.#models.get(runId)
    this.#models.delete(runId)
    for (const generation of output.generations.flat()) {
      const { message } = generation as { message?: BaseMessage }
      if (message) reportMessage(this.#agent, message, named)
    }
  }

  override handleLLMError(_error: Error, runId: string) {
    this.#models.delete(runId)
  }

  override async handleToolStart() {
    await this.#agent.checkpoint()
  }

  async #startModel(args: unknown[]): Promise<void> {
    const [, , runId, , , , metadata] = args as [object, object, string, unknown, unknown, unknown, Named?]
    await this.#agent.checkpoint()
    this.#models.set(runId, metadata ?? {})
  }
}

export function reportMessage(agent: RunningAgent, message: BaseMessage, named: Named = {}): void {
  const { usage_metadata: usage, response_metadata } = message as AIMessage
  const about: { model_name?: string; model?: string; model_provider?: string } = response_metadata ?? {}
  if (!usage || reported.has(usage)) return
  reported.add(usage)
  reportUsage(agent, {
    model: named.ls_model_name ?? about.model_name ?? about.model,
    provider: named.ls_provider ?? about.model_provider,
    input_tokens: usage.input_tokens,
    output_tokens: usage.output_tokens,
    cache_read_input_tokens: usage.input_token_details?.cache_read,
    cache_creation_input_tokens: usage.input_token_details?.cache_creation,
    reasoning_output_tokens: usage.output_token_details?.reasoning,
  })
}

function taskOf(inputs: object): string | undefined {
  if (!('messages' in inputs) || !Array.isArray(inputs.messages)) return undefined
  const content = inputs.messages.at(-1)?.content
  return typeof content === 'string' ? content : undefined
}

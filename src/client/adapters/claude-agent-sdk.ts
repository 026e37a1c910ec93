import {
  type Options,
  type SDKMessage,
  type SDKUserMessage,
  query as sdkQuery,
} from '@anthropic-ai/claude-agent-sdk'
import { guard } from '#src/client/agent/guard.ts'
import type { RunningAgent } from '#src/client/agent/running-agent.ts'
import { CalledRuns } from './shared/called-runs.ts'
import { toControlledOptions } from './shared/claude-hooks.ts'
import { ClaudeInput } from './shared/claude-input.ts'
import { ClaudeMeter } from './shared/claude-meter.ts'

export type QueryParams = { prompt: string | AsyncIterable<SDKUserMessage>; options?: Options | undefined }

/**
 * The SDK's `query` as a run of the agent. Claude stands before tools and before calls of the model while the agent is paused,
 * gets the messages of operators, and asks people instead of `canUseTool`. An interruption ends the turn, which continues after the
 * resume; a terminate ends the process of Claude Code, and the ClosedError leaves the loop.
 */
export async function* query(
  agent: RunningAgent,
  { prompt, options = {} }: QueryParams,
): AsyncGenerator<SDKMessage, void> {
  const runs = new CalledRuns(agent)
  const stop = options.abortController ?? new AbortController()
  const end = () => stop.abort(agent.signal.reason)
  let failure: Error | undefined = new Error('The query has not come to its end')
  await runs.begin('query', typeof prompt === 'string' ? prompt : undefined)
  try {
    await agent.checkpoint()
    agent.signal.addEventListener('abort', end)
    const input = new ClaudeInput(prompt)
    const meter = new ClaudeMeter(agent, { isResumed: Boolean(options.resume ?? options.continue) })
    const own = { ...toControlledOptions(agent, options), abortController: stop }
    const session = sdkQuery({ prompt: input.messages(), options: own })
    const interruptions = new Interruptions(agent, () => session.interrupt())
    try {
      for (;;) {
        const { done, value: message } = await guard(session.next(), agent.signal)
        if (done) break
        meter.take(message)
        if (message.type !== 'result') {
          yield message
          continue
        }
        if (await interruptions.haveEnded()) {
          input.push('Continue.')
          continue
        }
        failure = message.subtype === 'success' && !message.is_error ? undefined : new Error(message.subtype)
        input.turnEnded()
        yield message
      }
    } finally {
      interruptions.close()
      session.close()
    }
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error))
    throw error
  } finally {
    agent.signal.removeEventListener('abort', end)
    runs.end('query', failure)
  }
}

/** Interrupts the turn that Claude is in, whenever an operator interrupts the agent. */
class Interruptions {
  readonly #agent: RunningAgent
  readonly #interrupt: () => Promise<unknown>
  readonly #closed = new AbortController()
  #isUnderWay = false

  constructor(agent: RunningAgent, interrupt: () => Promise<unknown>) {
    this.#agent = agent
    this.#interrupt = interrupt
    this.#listen()
  }

  /** Whether the result is that of an interrupted turn; then it waits for the resume. */
  async haveEnded(): Promise<boolean> {
    if (!this.#isUnderWay) return false
    await this.#agent.checkpoint()
    this.#isUnderWay = false
    this.#listen()
    return true
  }

  close(): void {
    this.#closed.abort()
  }

  #listen(): void {
    const interrupted = () => {
      if (this.#agent.signal.aborted) return
      this.#isUnderWay = true
      // It fails only where the process has ended, which the loop hears by itself.
      this.#interrupt().catch(() => {})
    }
    const options = { once: true, signal: this.#closed.signal }
    this.#agent.interruptSignal().addEventListener('abort', interrupted, options)
  }
}

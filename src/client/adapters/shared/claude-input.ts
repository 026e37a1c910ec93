import type { SDKUserMessage } from '@anthropic-ai/claude-agent-sdk'

/** What Claude is given. It stays open until the last turn has ended, so that an interrupted one can continue. */
export class ClaudeInput {
  readonly #prompt: string | AsyncIterable<SDKUserMessage>
  readonly #waiting: SDKUserMessage[] = []
  #news = Promise.withResolvers<void>()
  #isIdle = false

  constructor(prompt: string | AsyncIterable<SDKUserMessage>) {
    this.#prompt = prompt
  }

  async *messages(): AsyncGenerator<SDKUserMessage> {
    if (typeof this.#prompt === 'string') yield toUserMessage(this.#prompt)
    else {
      for await (const message of this.#prompt) {
        this.#isIdle = false
        yield message
      }
    }
    for (;;) {
      yield* this.#waiting.splice(0)
      if (this.#isIdle) return
      await this.#news.promise
      this.#news = Promise.withResolvers()
    }
  }

  push(text: string): void {
    this.#waiting.push(toUserMessage(text))
    this.#news.resolve()
  }

  turnEnded(): void {
    this.#isIdle = true
    this.#news.resolve()
  }
}

function toUserMessage(content: string): SDKUserMessage {
  return { type: 'user', message: { role: 'user', content }, parent_tool_use_id: null }
}

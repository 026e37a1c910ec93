import { BaseChatModel, type BaseChatModelCallOptions } from '@langchain/core/language_models/chat_models'
import { AIMessage, type BaseMessage } from '@langchain/core/messages'
import type { ChatResult } from '@langchain/core/outputs'
import { type FakeModel, used } from './fake-model.ts'

const usage_metadata = {
  input_tokens: used.input,
  output_tokens: used.output,
  total_tokens: used.input + used.output,
  input_token_details: { cache_read: used.cached },
  output_token_details: { reasoning: used.reasoning },
}

type Fields = { model: string; fake?: FakeModel }
let provided: FakeModel | undefined

/** For programs that make their model by themselves. */
export function provide(fake: FakeModel): void {
  provided = fake
}

/** In place of the class in `@langchain/openai`: a chat model that answers as the fake does. */
export class ChatOpenAI extends BaseChatModel {
  readonly #fields: Fields

  constructor(fields: Fields) {
    super({})
    this.#fields = fields
  }

  override _llmType() {
    return 'openai'
  }

  override getLsParams(options: this['ParsedCallOptions']) {
    const own = { ls_model_name: this.#fields.model, ls_provider: 'openai' }
    return { ...super.getLsParams(options), ...own }
  }

  override bindTools(_tools: unknown[], options?: Partial<BaseChatModelCallOptions>) {
    return this.withConfig(options ?? {})
  }

  override async _generate(messages: BaseMessage[], options: BaseChatModelCallOptions): Promise<ChatResult> {
    const fake = this.#fields.fake ?? provided
    if (!fake) throw new Error('no test has provided the model')
    const prompt = messages.map(({ type, content }) => ({ type, content }))
    const reply = await fake.ask(prompt, options.signal)
    const content = 'tool' in reply ? '' : reply.text
    const tool_calls =
      'tool' in reply
        ? [{ id: reply.id, name: reply.tool, args: reply.input, type: 'tool_call' as const }]
        : []
    const response_metadata = { model_name: this.#fields.model }
    // Each answer with numbers of its own, as providers make them.
    const message = new AIMessage({
      content,
      tool_calls,
      usage_metadata: { ...usage_metadata },
      response_metadata,
    })
    return { generations: [{ text: content, message }] }
  }
}

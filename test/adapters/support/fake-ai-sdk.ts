import type { LanguageModel } from 'ai'
import { convertArrayToReadableStream, MockLanguageModelV4, MockProviderV4 } from 'ai/test'
import { type FakeModel, type Reply, used } from './fake-model.ts'

type Generated = Awaited<ReturnType<MockLanguageModelV4['doGenerate']>>
type Part =
  Awaited<ReturnType<MockLanguageModelV4['doStream']>>['stream'] extends ReadableStream<infer One>
    ? One
    : never

const usage: Generated['usage'] = {
  inputTokens: {
    total: used.input,
    noCache: used.input - used.cached,
    cacheRead: used.cached,
    cacheWrite: 0,
  },
  outputTokens: { total: used.output, text: used.output - used.reasoning, reasoning: used.reasoning },
}

function toContent(reply: Reply & { id: string }): Generated['content'][number] {
  return 'tool' in reply
    ? { type: 'tool-call', toolCallId: reply.id, toolName: reply.tool, input: JSON.stringify(reply.input) }
    : { type: 'text', text: reply.text }
}

function toEnd(reply: Reply): Pick<Generated, 'finishReason' | 'usage'> {
  return { finishReason: { unified: 'tool' in reply ? 'tool-calls' : 'stop', raw: undefined }, usage }
}

/** The parts of a stream with that answer; `hangs` leaves out its end. */
export function toParts(reply: Reply & { id: string }): Part[] {
  const content = toContent(reply)
  const parts: Part[] =
    content.type === 'text'
      ? [
          { type: 'text-start', id: '1' },
          { type: 'text-delta', id: '1', delta: content.text },
          { type: 'text-end', id: '1' },
        ]
      : [content as Part]
  return [{ type: 'stream-start', warnings: [] }, ...parts, { type: 'finish', ...toEnd(reply) }]
}

/** A model of the AI SDK that answers as the fake does. */
export function toLanguageModel(model: FakeModel, modelId = 'gpt-5'): MockLanguageModelV4 {
  return new MockLanguageModelV4({
    provider: 'openai.responses',
    modelId,
    doGenerate: async ({ prompt, abortSignal }) => {
      const reply = await model.ask(prompt, abortSignal)
      return { content: [toContent(reply)], ...toEnd(reply), warnings: [] }
    },
    doStream: async ({ prompt, abortSignal }) => {
      const reply = await model.ask(prompt, abortSignal)
      return { stream: convertArrayToReadableStream(toParts(reply)) }
    },
  })
}

/** A model that says one word and never ends. */
export function endless(): LanguageModel {
  const parts: Part[] = [
    { type: 'stream-start', warnings: [] },
    ...toParts({ text: 'Tick', id: '' }).slice(1, 3),
  ]
  return new MockLanguageModelV4({
    doStream: async () => ({
      stream: new ReadableStream({ start: (stream) => parts.forEach((part) => void stream.enqueue(part)) }),
    }),
  })
}

/** Models that programs name by a text, such as `openai/gpt-5`. */
export function provide(model: FakeModel, name: string): void {
  globalThis.AI_SDK_DEFAULT_PROVIDER = new MockProviderV4({
    languageModels: { [`openai/${name}`]: toLanguageModel(model, name) },
  })
}

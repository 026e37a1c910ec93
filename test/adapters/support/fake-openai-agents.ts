import { type Model, type ModelRequest, type ModelResponse, type StreamEvent, Usage } from '@openai/agents'
import { type FakeModel, type Reply, used } from './fake-model.ts'

const usage = {
  inputTokens: used.input,
  outputTokens: used.output,
  totalTokens: used.input + used.output,
  inputTokensDetails: [{ cached_tokens: used.cached }],
  outputTokensDetails: [{ reasoning_tokens: used.reasoning }],
}

function toOutput(reply: Reply & { id: string }): ModelResponse['output'] {
  if ('tool' in reply && reply.tool === 'shell') {
    const action = reply.input as { commands: string[] }
    return [{ type: 'shell_call', callId: reply.id, status: 'completed', action }]
  }
  return [
    'tool' in reply
      ? {
          type: 'function_call',
          callId: reply.id,
          name: reply.tool,
          status: 'completed',
          arguments: JSON.stringify(reply.input),
        }
      : {
          type: 'message',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text: reply.text }],
        },
  ]
}

/** A model of the OpenAI Agents SDK that answers as the fake does. */
export function toModel(model: FakeModel, name?: string): Model & { name?: string | undefined } {
  const ask = async ({ input, signal }: ModelRequest) => toOutput(await model.ask(input, signal))
  return {
    name,
    getResponse: async (request) => ({ usage: new Usage(usage), output: await ask(request) }),
    async *getStreamedResponse(request): AsyncIterable<StreamEvent> {
      yield { type: 'response_started' }
      const output = await ask(request)
      yield { type: 'response_done', response: { id: 'response', usage, output } } as StreamEvent
    },
  }
}

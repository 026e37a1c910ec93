import { AsyncLocalStorage } from 'node:async_hooks'
import type { Agent, Model, ModelRequest, ModelResponse, StreamEvent } from '@openai/agents'
import type { RunningAgent } from '#src/client/agent/running-agent.ts'
import { callModel } from './call-model.ts'
import { reportUsage } from './report-usage.ts'

// biome-ignore lint/suspicious/noExplicitAny: the SDK's own constraint, which no other type satisfies.
export type AnyAgent = Agent<any, any>
type Control = { agent?: RunningAgent | undefined; name?: string | undefined }

/** The agent whose run this is: agents of the SDK, and their models, may be shared by several. */
const running = new AsyncLocalStorage<RunningAgent>()
const controlledModels = new WeakSet<Model>()

export function withAgent<Result>(agent: RunningAgent, work: () => Result): Result {
  return running.run(agent, work)
}

/** Puts their models under the control of the agent that runs them, if one does. */
export function controlAgents(sdkAgent: AnyAgent, seen: Set<object> = new Set()): void {
  if (seen.has(sdkAgent)) return
  seen.add(sdkAgent)
  if (typeof sdkAgent.model === 'object') sdkAgent.model = controlModel(sdkAgent.model)
  for (const handoff of sdkAgent.handoffs) controlAgents('agent' in handoff ? handoff.agent : handoff, seen)
}

/** The model, whose calls end with the agent, are made again after an interruption, and are reported. */
export function controlModel(model: Model, { agent, name }: Control = {}): Model {
  if (controlledModels.has(model)) return model
  const own: Pick<Model, 'getResponse' | 'getStreamedResponse'> = {
    getResponse: async (request) => {
      const by = agent ?? running.getStore()
      if (!by) return model.getResponse(request)
      const call = (signal: AbortSignal) => model.getResponse({ ...request, signal })
      const response = await callModel(by, { signal: request.signal }, call)
      report(by, name ?? nameOf(model, response.providerData), response.usage)
      return response
    },
    getStreamedResponse: (request) => {
      const by = agent ?? running.getStore()
      return by ? stream(by, model, request, name) : model.getStreamedResponse(request)
    },
  }
  const controlled = new Proxy(model, {
    get: (target, key) => {
      if (key === 'getResponse' || key === 'getStreamedResponse') return own[key]
      const value = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  controlledModels.add(controlled)
  return controlled
}

/** What has been passed on cannot be taken back, so a later interruption ends the stream. */
async function* stream(
  agent: RunningAgent,
  model: Model,
  request: ModelRequest,
  name: string | undefined,
): AsyncGenerator<StreamEvent> {
  const open = async (signal: AbortSignal) => {
    const events = model.getStreamedResponse({ ...request, signal })[Symbol.asyncIterator]()
    return { events, first: await events.next() }
  }
  const { events, first } = await callModel(agent, { signal: request.signal }, open)
  for (let next = first; !next.done; next = await agent.guard(events.next())) {
    const event = next.value
    if (event.type === 'response_done') {
      report(agent, name ?? nameOf(model, event.response.providerData), event.response.usage)
    }
    yield event
  }
}

type Used = Pick<ModelResponse['usage'], 'inputTokens' | 'outputTokens'> & {
  inputTokensDetails?: Details | undefined
  outputTokensDetails?: Details | undefined
}
type Details = Record<string, number> | Record<string, number>[]

function report(agent: RunningAgent, model: string | undefined, usage: Used): void {
  const detail = (details: Details | undefined, name: string) =>
    [details ?? []].flat().reduce((sum, one) => sum + (one[name] ?? 0), 0)
  reportUsage(agent, {
    model,
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cache_read_input_tokens: detail(usage.inputTokensDetails, 'cached_tokens'),
    cache_creation_input_tokens: detail(usage.inputTokensDetails, 'cache_write_tokens'),
    reasoning_output_tokens: detail(usage.outputTokensDetails, 'reasoning_tokens'),
  })
}

/** Models of the SDK do not say their name; the answer of a provider, or the object, often has it. */
function nameOf(model: Model, answer: Record<string, unknown> | undefined): string | undefined {
  const object: Partial<Record<string, unknown>> = { ...model }
  return [answer?.model, object.modelId, object.model, object._model, object.name].find(
    (name) => typeof name === 'string',
  )
}

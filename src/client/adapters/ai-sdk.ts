import {
  gateway,
  isStepCount,
  type LanguageModel,
  type LanguageModelMiddleware,
  type StopCondition,
  type Telemetry,
  type TelemetryOptions,
  type ToolApprovalConfiguration,
  type ToolApprovalStatus,
  type ToolSet,
  wrapLanguageModel,
} from 'ai'
import type { RunningAgent } from '#src/client/agent/running-agent.ts'
import { type ApprovalContext, approvals } from './shared/ai-sdk-approvals.ts'
import { lifecycle } from './shared/ai-sdk-lifecycle.ts'
import { callModel } from './shared/call-model.ts'
import { Inserted } from './shared/inserted.ts'
import { takeTexts } from './shared/messages.ts'
import { reportUsage } from './shared/report-usage.ts'

type Wrapped = Parameters<NonNullable<LanguageModelMiddleware['wrapGenerate']>>[0]
type Params = Wrapped['params']
type Streamed = Awaited<ReturnType<Wrapped['doStream']>>['stream']
type Usage = Awaited<ReturnType<Wrapped['doGenerate']>>['usage']

export type ControlledOptions = {
  /** The longest time for one call of the model, without the time in which the agent is paused. */
  timeout_ms?: number | undefined
}

/**
 * The model, under the control of the agent: a call waits while the agent is paused, has the messages of operators in its
 * prompt, and ends when the agent ends. After an interruption it is made again. Its tokens are reported.
 */
export function controlled(
  agent: RunningAgent,
  model: LanguageModel,
  { timeout_ms }: ControlledOptions = {},
): ReturnType<typeof wrapLanguageModel> {
  const inserted = new Inserted<Params['prompt'][number]>()
  const call = async <Result>(
    params: Params,
    work: (own: Params) => PromiseLike<Result>,
  ): Promise<Result> => {
    const limits = { signal: params.abortSignal, timeout_ms }
    const result = await callModel(agent, limits, (abortSignal) => {
      const prompt = inserted.weave(params.prompt, takeTexts(agent).map(toUserMessage))
      return work({ ...params, prompt, abortSignal })
    })
    inserted.given()
    return result
  }
  const report = ({ provider, modelId }: Wrapped['model'], { inputTokens, outputTokens }: Usage) =>
    reportUsage(agent, {
      ...nameOf(provider, modelId),
      input_tokens: inputTokens.total,
      output_tokens: outputTokens.total,
      cache_read_input_tokens: inputTokens.cacheRead,
      cache_creation_input_tokens: inputTokens.cacheWrite,
      reasoning_output_tokens: outputTokens.reasoning,
    })
  const middleware: LanguageModelMiddleware = {
    wrapGenerate: async ({ model, params }: Wrapped) => {
      const result = await call(params, (own) => model.doGenerate(own))
      report(model, result.usage)
      return result
    },
    wrapStream: async ({ model, params }: Wrapped) => {
      const { stream, ...rest } = await call(params, (own) => model.doStream(own))
      return { ...rest, stream: guardStream(agent, stream, (usage) => report(model, usage)) }
    },
  }
  const provider = globalThis.AI_SDK_DEFAULT_PROVIDER ?? gateway
  return wrapLanguageModel({
    model: typeof model === 'string' ? provider.languageModel(model) : model,
    middleware,
  })
}

export type SteeredOptions = {
  /** Without it, 20 steps. */
  stopWhen?: StopCondition<ToolSet> | StopCondition<ToolSet>[] | undefined
  /** People are asked for what is `user-approval`, here or by a tool's `needsApproval`. */
  toolApproval?: ToolApprovalConfiguration<ToolSet, Record<string, unknown>> | undefined
  abortSignal?: AbortSignal | undefined
  telemetry?: TelemetryOptions | undefined
}

/** Settings of a call. */
export type Steered = {
  stopWhen: (state: Parameters<StopCondition<ToolSet>>[0]) => Promise<boolean>
  toolApproval: (call: ApprovalContext) => Promise<ToolApprovalStatus>
  abortSignal: AbortSignal
  telemetry: TelemetryOptions
  timeout: undefined
}

/**
 * The rest of a call of `generateText` or `streamText`, to be put last: it is a run of the agent, waits between steps while
 * the agent is paused, asks people to approve tool calls, and ends with the agent.
 */
export function steered(
  agent: RunningAgent,
  { stopWhen = isStepCount(20), toolApproval, abortSignal, telemetry }: SteeredOptions = {},
): Steered {
  const conditions: StopCondition<ToolSet>[] = [stopWhen].flat()
  const others = [telemetry?.integrations ?? globalThis.AI_SDK_TELEMETRY_INTEGRATIONS ?? []].flat()
  return {
    // Here a wait counts against no step, and an error ends the call.
    stopWhen: async (state) => {
      const met = await Promise.all(conditions.map((condition) => condition(state)))
      if (met.includes(true)) return true
      await agent.checkpoint()
      return false
    },
    toolApproval: (call) => approvals(agent, toolApproval, call),
    abortSignal: abortSignal ? AbortSignal.any([agent.signal, abortSignal]) : agent.signal,
    telemetry: {
      ...telemetry,
      integrations: [lifecycle(agent), ...others.filter((other: Telemetry) => !processWide.has(other))],
    },
    /** It would count the time in which the agent is paused: `controlled` takes a limit that does not. */
    timeout: undefined,
  }
}

/** What `registerTelemetry` has got: a steered call has the same by itself. */
const processWide = new WeakSet<Telemetry>()

/**
 * For `registerTelemetry`: every call of a whole process that is not steered is a run of the agent, stands while that is paused,
 * ends with it, and reports its tokens. For messages and approvals, use `controlled` and `steered`.
 */
export function signalbox(agent: RunningAgent): Telemetry {
  const telemetry: Telemetry = {
    ...lifecycle(agent),
    executeLanguageModelCall: ({ execute }) => agent.step(() => execute()),
    onLanguageModelCallEnd: ({ provider, modelId, usage }) => {
      reportUsage(agent, {
        ...nameOf(provider, modelId),
        input_tokens: usage.inputTokens,
        output_tokens: usage.outputTokens,
        cache_read_input_tokens: usage.inputTokenDetails.cacheReadTokens,
        cache_creation_input_tokens: usage.inputTokenDetails.cacheWriteTokens,
        reasoning_output_tokens: usage.outputTokenDetails.reasoningTokens,
      })
    },
  }
  processWide.add(telemetry)
  return telemetry
}

/** A provider is called `openai.responses`: which of its interfaces does not matter. */
function nameOf(provider: string, model: string) {
  return { model, provider: provider.split('.')[0] }
}

function toUserMessage(text: string): Params['prompt'][number] {
  return { role: 'user', content: [{ type: 'text', text }] }
}

/** What has been passed on cannot be taken back, so an interruption ends the stream. */
function guardStream(agent: RunningAgent, stream: Streamed, used: (usage: Usage) => void): Streamed {
  const reader = stream.getReader()
  return new ReadableStream({
    pull: async (controller) => {
      const { done, value } = await agent.guard(reader.read())
      if (done) return controller.close()
      if (value.type === 'finish') used(value.usage)
      controller.enqueue(value)
    },
    cancel: (reason) => reader.cancel(reason),
  })
}

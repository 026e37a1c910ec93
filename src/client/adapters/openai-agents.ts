import {
  type AgentInputItem,
  type ModelProvider,
  type NonStreamRunOptions,
  type RunConfig,
  type RunResult,
  type RunState,
  Runner as SdkRunner,
  type StreamedRunResult,
  type StreamRunOptions,
} from '@openai/agents'
import type { RunningAgent } from '#src/client/agent/running-agent.ts'
import { approve } from './shared/approve.ts'
import { shorten } from './shared/called-runs.ts'
import { Inserted } from './shared/inserted.ts'
import { takeTexts } from './shared/messages.ts'
import { type AnyAgent, controlAgents, controlModel, withAgent } from './shared/openai-models.ts'

type Input<Context, Sdk extends AnyAgent> = string | AgentInputItem[] | RunState<Context, Sdk>

/** What a `Runner` is made of: the configuration of a run, and the agent that controls it. */
export type ControlledConfig = Partial<RunConfig> & { readonly controlled_by: RunningAgent }

/** Runs under the control of the agent: each call of a model waits while it is paused, and gets the messages of operators. */
export function controlled(agent: RunningAgent, config: Partial<RunConfig> = {}): ControlledConfig {
  const inserted = new Inserted<AgentInputItem>()
  // Without one, the SDK's own.
  const provider = new SdkRunner(config).config.modelProvider
  const modelProvider: ModelProvider = {
    getModel: async (name) => controlModel(await provider.getModel(name), { agent, name }),
  }
  return {
    ...config,
    controlled_by: agent,
    modelProvider,
    model: typeof config.model === 'object' ? controlModel(config.model, { agent }) : config.model,
    // Here no limit of the SDK counts the wait.
    callModelInputFilter: async (call) => {
      const data = (await config.callModelInputFilter?.(call)) ?? call.modelData
      await agent.checkpoint()
      const texts = takeTexts(agent)
      return { ...data, input: inserted.weave(data.input, texts.map(toUserMessage)) }
    },
  }
}

/**
 * The SDK's Runner, whose runs are runs of the agent. Tool calls that need approval become requests to people; in a streamed
 * run they stay interruptions, for `answered`. A terminate ends a run, also in a model or a tool that would never end.
 */
export class Runner extends SdkRunner {
  readonly #agent: RunningAgent

  constructor(config: ControlledConfig) {
    if (!config?.controlled_by) throw new TypeError('Make this Runner with controlled(agent)')
    super(config)
    this.#agent = config.controlled_by
  }

  override run<Sdk extends AnyAgent, Context = undefined>(
    sdkAgent: Sdk,
    input: Input<Context, Sdk>,
    options?: NonStreamRunOptions<Context, Sdk>,
  ): Promise<RunResult<Context, Sdk>>
  override run<Sdk extends AnyAgent, Context = undefined>(
    sdkAgent: Sdk,
    input: Input<Context, Sdk>,
    options?: StreamRunOptions<Context, Sdk>,
  ): Promise<StreamedRunResult<Context, Sdk>>
  override run<Sdk extends AnyAgent, Context = undefined>(
    sdkAgent: Sdk,
    input: Input<Context, Sdk>,
    options?: NonStreamRunOptions<Context, Sdk> | StreamRunOptions<Context, Sdk>,
  ): Promise<RunResult<Context, Sdk> | StreamedRunResult<Context, Sdk>> {
    const agent = this.#agent
    controlAgents(sdkAgent)
    const signal = options?.signal ? AbortSignal.any([agent.signal, options.signal]) : agent.signal
    const current_task = agent.isInRun ? undefined : taskOf(input)
    const { promise, resolve, reject } = Promise.withResolvers<
      RunResult<Context, Sdk> | StreamedRunResult<Context, Sdk>
    >()
    const work = async () => {
      if (options?.stream) {
        const streamed = await super.run(sdkAgent, input, { ...options, signal })
        resolve(streamed)
        return streamed.completed
      }
      let result = await super.run(sdkAgent, input, { ...options, stream: false, signal })
      while (result.interruptions.length > 0) {
        const state = await answered(agent, result)
        result = await super.run(sdkAgent, state, { ...options, stream: false, signal })
      }
      // The SDK may end an aborted run with what it has.
      agent.signal.throwIfAborted()
      resolve(result)
    }
    agent.run(() => withAgent(agent, work), { current_task }).catch(reject)
    return promise
  }
}

/** Asks people about every tool call that a run waits for. Resolves with the state to go on from. */
export async function answered<Context, Sdk extends AnyAgent>(
  agent: RunningAgent,
  { interruptions, state }: Pick<RunResult<Context, Sdk>, 'interruptions' | 'state'>,
): Promise<RunState<Context, Sdk>> {
  const ask = async (item: (typeof interruptions)[number]) => {
    const { rawItem, name = 'tool', arguments: input = doingOf(rawItem) } = item
    const id = 'callId' in rawItem ? rawItem.callId : (rawItem.id ?? '')
    const { isApproved, reason } = await approve(agent, { id, name, input })
    if (isApproved) state.approve(item)
    else state.reject(item, { message: reason })
  }
  await Promise.all(interruptions.map(ask))
  return state
}

type Call = RunResult<undefined, AnyAgent>['interruptions'][number]['rawItem']

/** What a shell, a patch or a computer would do: such a call has no arguments. */
function doingOf(call: Call): unknown {
  if ('operation' in call) return call.operation
  if ('actions' in call && call.actions) return { actions: call.actions }
  return 'action' in call ? call.action : undefined
}

function toUserMessage(text: string): AgentInputItem {
  return { type: 'message', role: 'user', content: text }
}

function taskOf<Context, Sdk extends AnyAgent>(input: Input<Context, Sdk>): string | undefined {
  if (typeof input === 'string') return shorten(input)
  const item = Array.isArray(input) && input.findLast((one) => 'role' in one && one.role === 'user')
  return item && 'content' in item && typeof item.content === 'string' ? shorten(item.content) : undefined
}

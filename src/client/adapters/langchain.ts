import { type BaseMessage, HumanMessage } from '@langchain/core/messages'
import type { RunnableConfig } from '@langchain/core/runnables'
import { Command, INTERRUPT, type Interrupt } from '@langchain/langgraph'
import { type AgentMiddleware, createMiddleware, type HITLRequest, type HITLResponse } from 'langchain'
import type { Question } from '#src/client/agent/question.ts'
import type { RunningAgent } from '#src/client/agent/running-agent.ts'
import { toRequestId } from '#src/client/shared/request-id.ts'
import { approve } from './shared/approve.ts'
import { callModel } from './shared/call-model.ts'
import { Inserted } from './shared/inserted.ts'
import { LangChainHandler, reportMessage } from './shared/langchain-handler.ts'
import { takeTexts } from './shared/messages.ts'

/**
 * The configuration of one call of a graph, an agent or a chain, under the control of the agent: it is a run of it, stands
 * before models and tools while it is paused, ends with it, and reports the tokens of its models.
 */
export function controlled<Config extends RunnableConfig>(
  agent: RunningAgent,
  config?: Config,
): Config & RunnableConfig {
  const handler = new LangChainHandler(agent)
  const callbacks = config?.callbacks ?? []
  const given = config ?? ({} as Config)
  return {
    ...given,
    callbacks: Array.isArray(callbacks) ? [...callbacks, handler] : callbacks.copy([handler]),
    signal: given.signal ? AbortSignal.any([agent.signal, given.signal]) : agent.signal,
  }
}

/**
 * For `createAgent`: a call of the model waits while the agent is paused, has the messages of operators in its prompt, ends
 * with the agent, and is made again after an interruption.
 */
export function signalbox(agent: RunningAgent): AgentMiddleware {
  const late = new Inserted<BaseMessage>()
  return createMiddleware({
    name: 'Signalbox',
    // Into the state of the graph, so that they stay in its history.
    beforeModel: async () => {
      await agent.checkpoint()
      return { messages: takeMessages(agent) }
    },
    wrapModelCall: async (request, handler) => {
      const answer = await callModel(agent, { signal: request.runtime.signal }, async (signal) => {
        const messages = late.weave(request.messages, takeMessages(agent))
        return handler({ ...request, messages, modelSettings: { ...request.modelSettings, signal } })
      })
      late.given()
      reportMessage(agent, answer)
      return answer
    },
  })
}

/** What operators have sent since the last call: for the next prompt of a node that calls a model by itself. */
export function takeMessages(agent: RunningAgent): HumanMessage[] {
  return takeTexts(agent).map((text) => new HumanMessage(text))
}

/** For a graph of any nodes and state. */
// biome-ignore lint/suspicious/noExplicitAny: LangGraph's types let no other type fit every graph.
export type Resume = Command<unknown, any, any>

/**
 * Asks people what a graph has stopped for, and resolves with what resumes it. `interrupt` gets a text or a question, and
 * returns the answer; the tool calls of `humanInTheLoopMiddleware` are approved or rejected one by one.
 */
export async function answered(agent: RunningAgent, state: object): Promise<Resume> {
  const interrupts: Interrupt[] = INTERRUPT in state ? (state[INTERRUPT] as Interrupt[]) : []
  const answers = await Promise.all(
    interrupts.map(
      async ({ id = '', value }): Promise<[string, unknown]> => [
        id,
        isReview(value) ? await review(agent, id, value) : await agent.ask(await toQuestion(id, value)),
      ],
    ),
  )
  return new Command({ resume: Object.fromEntries(answers) })
}

async function review(agent: RunningAgent, id: string, value: HITLRequest): Promise<HITLResponse> {
  const decide = async (
    { name, args, description }: HITLRequest['actionRequests'][number],
    index: number,
  ) => {
    const call = { id: `${id}:${index}`, name, input: args, why: description }
    const { isApproved, reason } = await approve(agent, call)
    return isApproved ? { type: 'approve' as const } : { type: 'reject' as const, message: reason }
  }
  return { decisions: await Promise.all(value.actionRequests.map(decide)) }
}

function isReview(value: unknown): value is HITLRequest {
  return typeof value === 'object' && value !== null && 'actionRequests' in value
}

async function toQuestion(id: string, value: unknown): Promise<Question> {
  const isQuestion = typeof value === 'object' && value !== null && 'message' in value
  const own = isQuestion
    ? (value as Question)
    : { message: typeof value === 'string' ? value : JSON.stringify(value) }
  // Another question of the same node must not get the answer of this one.
  return { request_id: await toRequestId({ id, name: 'interrupt', input: value }), ...own }
}

import type { Telemetry } from 'ai'
import { guard } from '#src/client/agent/guard.ts'
import type { RunningAgent } from '#src/client/agent/running-agent.ts'
import { CalledRuns } from './called-runs.ts'

const generating = new Set(['ai.generateText', 'ai.streamText', 'ai.generateObject', 'ai.streamObject'])

/** What the callbacks tell: errors in them are lost, but the SDK waits for them. */
type Ending = { callId?: string; error?: unknown }
type Message = { role: string; content: string | readonly { type: string; text?: string }[] }

/** Each call of the SDK that generates is a run of the agent; its tools end with the agent. */
export function lifecycle(agent: RunningAgent): Telemetry {
  const runs = new CalledRuns(agent)
  const fail = (event: unknown) => {
    const { callId, error } = event as Ending
    runs.end(callId ?? '', error instanceof Error ? error : new Error('The call has failed'))
  }
  return {
    onStart: async (event: { callId: string; operationId?: string; messages?: readonly Message[] }) => {
      if (generating.has(event.operationId ?? '')) await runs.begin(event.callId, taskOf(event.messages))
    },
    onEnd: (event: Ending) => runs.end(event.callId ?? ''),
    onError: fail,
    onAbort: fail,
    executeTool: ({ execute }) => guard(execute(), agent.signal),
  }
}

function taskOf(messages: readonly Message[] = []): string | undefined {
  const content = messages.findLast(({ role }) => role === 'user')?.content
  return typeof content === 'string' ? content : content?.find(({ type }) => type === 'text')?.text
}

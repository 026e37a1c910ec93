import type { Answer, Question } from '#src/client/agent/question.ts'
import type { RunningAgent } from '#src/client/agent/running-agent.ts'
import { toRequestId } from '#src/client/shared/request-id.ts'

/** What the server takes of a tool call. */
const MAX_NAME = 255
const MAX_ARGUMENTS = 12_000
const MAX_MESSAGE = 4_000

type ToolCall = { id: string; name: string; input: unknown; why?: string | undefined }

/** Calls of one agent that are known again. Later ones are asked about each time, and not across a restart. */
const MAX_KNOWN = 10_000
const known = new WeakMap<RunningAgent, Set<string>>()

/** Asks people whether the tool may be called. After a restart of the process, the same call finds its question or its answer. */
export async function approve(
  agent: RunningAgent,
  { id, name, input, why }: ToolCall,
  own: Pick<Question, 'signal'> = {},
): Promise<{ isApproved: boolean; reason: string }> {
  const given = typeof input === 'string' ? (parse(input) ?? input) : input
  const request_id = firstTime(agent, await toRequestId({ id, name, input: given }))
  const message = [`Call ${name}?`, why].filter(Boolean).join('\n').slice(0, MAX_MESSAGE)
  const tool_call = {
    id: id.slice(0, MAX_NAME),
    name: name.slice(0, MAX_NAME),
    arguments: toArguments(given),
  }
  const answer = await agent.ask({ message, reason: 'tool_call', request_id, tool_call, ...own })
  return { isApproved: answer.status === 'resolved', reason: answer.note ?? words[answer.status] }
}

/** The id, once. A call that comes again in the same process is another one, which an answer from before must not allow. */
function firstTime(agent: RunningAgent, request_id: string | undefined): string | undefined {
  const ids = known.get(agent) ?? new Set()
  known.set(agent, ids)
  if (request_id === undefined || ids.has(request_id) || ids.size >= MAX_KNOWN) return undefined
  ids.add(request_id)
  return request_id
}

const words: Record<Answer['status'], string> = {
  resolved: 'A person approved the call',
  cancelled: 'A person refused the call',
  expired: 'No person answered in time',
}

/** The arguments as an object; the beginning of their JSON where they are too large to show. */
function toArguments(given: unknown): Record<string, unknown> {
  const json = JSON.stringify(given) ?? ''
  if (new TextEncoder().encode(json).length > MAX_ARGUMENTS)
    return { beginning: json.slice(0, MAX_ARGUMENTS / 6) }
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return JSON.parse(json)
  return given === undefined ? {} : { input: given }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

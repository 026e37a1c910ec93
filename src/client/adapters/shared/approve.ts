import type { Answer, Question } from '#src/client/agent/question.ts'
import type { RunningAgent } from '#src/client/agent/running-agent.ts'

/** What the server takes of a tool call. */
const MAX_ID = 128
const MAX_NAME = 255
const MAX_ARGUMENTS = 12_000
const MAX_MESSAGE = 4_000

type ToolCall = { id: string; name: string; input: unknown; why?: string | undefined }

/** Asks people whether the tool may be called. The id makes the question survive a restart of the process. */
export async function approve(
  agent: RunningAgent,
  { id, name, input, why }: ToolCall,
  own: Pick<Question, 'signal'> = {},
): Promise<{ isApproved: boolean; reason: string }> {
  const request_id = id !== '' && id.length <= MAX_ID ? id : undefined
  const message = [`Call ${name}?`, why].filter(Boolean).join('\n').slice(0, MAX_MESSAGE)
  const tool_call = {
    id: id.slice(0, MAX_NAME),
    name: name.slice(0, MAX_NAME),
    arguments: toArguments(input),
  }
  const answer = await agent.ask({ message, reason: 'tool_call', request_id, tool_call, ...own })
  return { isApproved: answer.status === 'resolved', reason: answer.note ?? words[answer.status] }
}

const words: Record<Answer['status'], string> = {
  resolved: 'A person approved the call',
  cancelled: 'A person refused the call',
  expired: 'No person answered in time',
}

/** The arguments as an object; the beginning of their JSON where they are too large to show. */
function toArguments(input: unknown): Record<string, unknown> {
  const given = typeof input === 'string' ? (parse(input) ?? input) : input
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

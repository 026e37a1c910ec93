import type { Outgoing } from '#src/client/connection/socket.ts'
import { randomHex } from '#src/client/shared/random.ts'
import type { Actor } from '#src/domain/actor.ts'
import type { AgentRequest } from '#src/domain/request.ts'

type Frame = Extract<Outgoing, { type: 'request' }>

/** What an agent asks people. */
export type Question = {
  /** Plain text, up to 4,000 characters. */
  message: string
  /** `tool_call`, `input_required`, `confirmation` or `NAMESPACE:NAME`. */
  reason?: string | undefined
  /** What the agent wants to do. */
  tool_call?: NonNullable<AgentRequest['tool_call']> | undefined
  /** What people can choose from. */
  options?: NonNullable<AgentRequest['options']> | undefined
  /** A JSON Schema of a flat object: the form that people fill in. */
  response_schema?: Record<string, unknown> | undefined
  /** After this time the answer is `expired`. Without it the question waits. */
  expires_at?: string | undefined
  /** For this program and REST; not shown to people. */
  metadata?: Record<string, unknown> | undefined
  /** For a question that survives a restart: asked again under this id, it keeps waiting, or has its answer at once. */
  request_id?: string | undefined
  /** False: the agent does not become `waiting`, and `working` after the answer. */
  status?: boolean | undefined
  /** Withdraws the question when it aborts. */
  signal?: AbortSignal | undefined
}

/** How a question has ended. */
export type Answer = {
  /** `resolved`: a person gave what was asked for. `cancelled`: a person refused, or the question was withdrawn. */
  status: 'resolved' | 'cancelled' | 'expired'
  /** The id of the chosen option. */
  option: string | null
  /** What was filled in. */
  payload: Record<string, unknown> | null
  note: string | null
  /** Null for an end without an answer. */
  answered_by: Actor | null
}

export type Asked = Omit<Frame, 'type' | 'id' | 'agent_id' | 'status'> & { request_id: string }

/** The question as the server gets it, which checks it. */
export function toAsked({ status: _, signal: __, response_schema, ...question }: Question): Asked {
  return {
    ...question,
    response_schema: response_schema as Asked['response_schema'],
    request_id: question.request_id ?? randomHex(16),
    reason: question.reason ?? (question.tool_call ? 'tool_call' : 'input_required'),
  }
}

/** How a request ended; undefined for an open one. */
export function toAnswer({ state, ...request }: AgentRequest): Answer | undefined {
  if (state === 'open') return undefined
  const { option, payload, note, answered_by } = request
  return { status: state, option, payload, note, answered_by }
}

/** Whether a person said yes. Of options, those that allow something mean yes. */
export function isYes({ status, option }: Answer, options: Question['options']): boolean {
  if (status !== 'resolved') return false
  if (!options?.length) return true
  return options.some(({ id, kind }) => id === option && kind.startsWith('allow_'))
}

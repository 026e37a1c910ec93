import * as v from 'valibot'
import type { Principal } from '#src/domain/access.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { ErrorCode } from '#src/domain/errors.ts'
import type { Actor, EventName } from '#src/domain/events.ts'
import type { AgentStatus } from '#src/domain/lifecycle.ts'
import type { Signal } from '#src/domain/signal.ts'

export const SUBPROTOCOL = 'signalbox.v1'
/** The largest message that a client may send, in bytes. */
export const MAX_MESSAGE_BYTES = 128 * 1024
export const HEARTBEAT_MS = 15_000

const id = v.optional(v.pipe(v.string(), v.maxLength(64)))
const project_id = v.pipe(v.string(), v.uuid('must be a UUID'), v.toLowerCase())
const seq = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

/** What a client may send, by its `type`. A new message is one row here and one handler. */
export const clientMessages = {
  auth: v.strictObject({ type: v.literal('auth'), id, token: v.pipe(v.string(), v.maxLength(4096)) }),
  subscribe: v.strictObject({ type: v.literal('subscribe'), id, project_id, after: v.optional(seq) }),
  unsubscribe: v.strictObject({ type: v.literal('unsubscribe'), id, project_id }),
  ping: v.strictObject({ type: v.literal('ping'), id }),
}

export type ClientMessageType = keyof typeof clientMessages
export type ClientMessage<Type extends ClientMessageType = ClientMessageType> = v.InferOutput<
  (typeof clientMessages)[Type]
>

/** The event object, as it stands in the log, in `GET /events` and in every stream. */
export type EventFrame = {
  type: 'event'
  project_id: string
  seq: number
  name: EventName
  at: string
  actor: Actor
  agent: AgentSummary
  from?: AgentStatus
  to?: AgentStatus
  signal?: Signal
}

/** What the server sends; `id` repeats that of the message which it answers. */
export type ServerMessage = { id?: string | undefined } & (
  | {
      type: 'hello'
      protocol: typeof SUBPROTOCOL
      server: { version: string; instance: string }
      heartbeat_ms: number
      principal: Principal | null
    }
  | { type: 'authenticated'; principal: Principal; expires_at: string | null }
  | { type: 'token_expiring'; expires_at: string }
  | {
      type: 'subscribed'
      project_id: string
      seq: number
      resumed: boolean
      reason?: 'expired' | 'unknown'
    }
  | { type: 'snapshot'; project_id: string; seq: number; agents: AgentSummary[]; last: boolean }
  | { type: 'unsubscribed'; project_id: string; reason?: 'requested' | 'forbidden' | 'deleted' }
  | { type: 'pong'; at: string }
  | { type: 'goodbye'; reason: 'draining'; retry_after_ms: number }
  | { type: 'error'; code: ErrorCode; message: string; field?: string }
)

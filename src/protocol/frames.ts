import * as v from 'valibot'
import type { Principal } from '#src/domain/access.ts'
import type { Agent, AgentSummary } from '#src/domain/agent.ts'
import type { ErrorCode } from '#src/domain/errors.ts'
import type { Actor, EventName } from '#src/domain/events.ts'
import { type AgentStatus, agentStatuses } from '#src/domain/lifecycle.ts'
import type { Signal, SignalOutcome } from '#src/domain/signal.ts'
import { current_task, memory, session_id } from './agents.ts'
import type { SUBPROTOCOL } from './bounds.ts'
import { count, money, text, uuid, wholeNumber } from './values.ts'

const id = v.optional(v.pipe(v.string(), v.maxLength(64)))
const project_id = uuid
const agent_id = uuid
const seq = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const epoch = wholeNumber(1)

/** What a client may send, by its `type`. A new message is one row here and one handler. */
export const clientMessages = {
  auth: v.strictObject({ type: v.literal('auth'), id, token: v.pipe(v.string(), v.maxLength(4096)) }),
  subscribe: v.strictObject({
    type: v.literal('subscribe'),
    id,
    project_id,
    after: v.optional(seq),
    epoch: v.optional(epoch),
  }),
  unsubscribe: v.strictObject({ type: v.literal('unsubscribe'), id, project_id }),
  ping: v.strictObject({ type: v.literal('ping'), id }),
  attach: v.strictObject({ type: v.literal('attach'), id, agent_id }),
  detach: v.strictObject({ type: v.literal('detach'), id, agent_id }),
  ack: v.strictObject({
    type: v.literal('ack'),
    id,
    agent_id,
    signal_id: uuid,
    outcome: v.picklist(['done', 'failed'], 'Must be one of done, failed'),
    detail: v.nullish(text(2_000), null),
  }),
  report: v.strictObject({
    type: v.literal('report'),
    id,
    agent_id,
    n: wholeNumber(1),
    status: v.optional(v.picklist(agentStatuses, `Must be one of ${agentStatuses.join(', ')}`)),
    current_task: v.optional(v.nullable(current_task)),
    short_term_memory: v.optional(memory),
    session_id: v.optional(v.nullable(session_id)),
    usage: v.optional(
      v.strictObject({
        tasks_completed: v.optional(count),
        tokens_used: v.optional(count),
        cost_incurred: v.optional(money),
      }),
    ),
  }),
}

/** Messages that may be under way together: those of one agent are still taken in their order. */
export const concurrentMessages: ReadonlySet<ClientMessageType> = new Set([
  'attach',
  'detach',
  'ack',
  'report',
])

export type ClientMessageType = keyof typeof clientMessages
export type ClientMessage<Type extends ClientMessageType = ClientMessageType> = v.InferOutput<
  (typeof clientMessages)[Type]
>

export type WirePrincipal = Pick<Principal, 'kind' | 'id' | 'role'>

/** The event object, as it stands in the log, in `GET /events` and in every stream. */
export type EventFrame = {
  type: 'event'
  project_id: string
  seq: number
  /** That of the project: another one means that `seq` counts another history. */
  epoch: number
  name: EventName
  at: string
  actor: Actor
  agent: AgentSummary
  from?: AgentStatus
  to?: AgentStatus
  signal?: Signal
}

/** Why a socket is closed with 1001: its server drains, or the links on it are of a project whose epoch has changed. */
export const goodbyeReasons = ['draining', 'restored'] as const
export type GoodbyeReason = (typeof goodbyeReasons)[number]

/** What the server sends; `id` repeats that of the message which it answers. */
export type ServerMessage = { id?: string | undefined } & (
  | {
      type: 'hello'
      protocol: typeof SUBPROTOCOL
      server: { version: string; instance: string }
      heartbeat_ms: number
      principal: WirePrincipal | null
    }
  | { type: 'authenticated'; principal: WirePrincipal; expires_at: string | null }
  | { type: 'token_expiring'; expires_at: string }
  | {
      type: 'subscribed'
      project_id: string
      seq: number
      epoch: number
      resumed: boolean
      reason?: 'expired' | 'unknown'
    }
  | {
      type: 'snapshot'
      project_id: string
      seq: number
      epoch: number
      agents: AgentSummary[]
      last: boolean
    }
  | { type: 'unsubscribed'; project_id: string; reason?: 'requested' | 'forbidden' | 'deleted' }
  | {
      type: 'attached'
      agent_id: string
      lease: number
      agent: Agent
      last_report: number
      pending_signals: number
    }
  | { type: 'detached'; agent_id: string; reason: 'requested' | 'replaced' | 'revoked' }
  | { type: 'signal'; agent_id: string; signal: Signal & { traceparent?: string } }
  | { type: 'acknowledged'; agent_id: string; signal_id: string; outcome: SignalOutcome }
  | {
      type: 'reported'
      agent_id: string
      n: number
      status: AgentStatus
      seq: number
      duplicate?: true
      status_rejected?: string
    }
  | { type: 'pong'; at: string }
  | { type: 'goodbye'; reason: GoodbyeReason; retry_after_ms: number }
  | { type: 'error'; code: ErrorCode; message: string; field?: string }
)

import * as v from 'valibot'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import { signalOutcomes } from '#src/domain/signal.ts'
import { agent, agentSummary } from './agents.ts'
import { SUBPROTOCOL } from './bounds.ts'
import { eventFrame, signal } from './event.ts'
import { type EventFrame, goodbyeReasons, type ServerMessage } from './frames.ts'
import { count, uuid, wholeNumber } from './values.ts'

const id = v.optional(v.string())
const time = v.pipe(v.string(), v.isoTimestamp())
const status = v.picklist(agentStatuses)
const principal = v.strictObject({
  kind: v.picklist(['user', 'api_key', 'runtime']),
  id: uuid,
  role: v.string(),
})

/** What the server sends, by its `type`: for documents and tests, since nobody has to check it at run time. */
export const serverMessages = {
  hello: v.strictObject({
    type: v.literal('hello'),
    protocol: v.literal(SUBPROTOCOL),
    server: v.strictObject({ version: v.string(), instance: v.string() }),
    heartbeat_ms: count,
    principal: v.nullable(principal),
  }),
  authenticated: v.strictObject({
    type: v.literal('authenticated'),
    id,
    principal,
    expires_at: v.nullable(time),
  }),
  token_expiring: v.strictObject({ type: v.literal('token_expiring'), expires_at: time }),
  subscribed: v.strictObject({
    type: v.literal('subscribed'),
    id,
    project_id: uuid,
    seq: count,
    epoch: wholeNumber(1),
    resumed: v.boolean(),
    reason: v.optional(v.picklist(['expired', 'unknown'])),
  }),
  snapshot: v.strictObject({
    type: v.literal('snapshot'),
    project_id: uuid,
    seq: count,
    epoch: wholeNumber(1),
    agents: v.array(agentSummary),
    last: v.boolean(),
  }),
  event: eventFrame,
  unsubscribed: v.strictObject({
    type: v.literal('unsubscribed'),
    id,
    project_id: uuid,
    reason: v.optional(v.picklist(['requested', 'forbidden', 'deleted'])),
  }),
  attached: v.strictObject({
    type: v.literal('attached'),
    id,
    agent_id: uuid,
    lease: count,
    agent,
    last_report: count,
    pending_signals: count,
  }),
  detached: v.strictObject({
    type: v.literal('detached'),
    id,
    agent_id: uuid,
    reason: v.picklist(['requested', 'replaced', 'revoked']),
  }),
  signal: v.strictObject({
    type: v.literal('signal'),
    agent_id: uuid,
    /** `traceparent` (W3C) where the server records traces. */
    signal: v.strictObject({ ...signal.entries, traceparent: v.optional(v.string()) }),
  }),
  acknowledged: v.strictObject({
    type: v.literal('acknowledged'),
    id,
    agent_id: uuid,
    signal_id: uuid,
    outcome: v.picklist(signalOutcomes),
  }),
  reported: v.strictObject({
    type: v.literal('reported'),
    id,
    agent_id: uuid,
    n: count,
    status,
    seq: count,
    duplicate: v.optional(v.literal(true)),
    status_rejected: v.optional(v.string()),
  }),
  pong: v.strictObject({ type: v.literal('pong'), id, at: time }),
  goodbye: v.strictObject({
    type: v.literal('goodbye'),
    reason: v.picklist(goodbyeReasons),
    retry_after_ms: count,
  }),
  error: v.strictObject({
    type: v.literal('error'),
    id,
    code: v.string(),
    message: v.string(),
    field: v.optional(v.string()),
  }),
} satisfies Record<ServerMessage['type'] | EventFrame['type'], v.GenericSchema>

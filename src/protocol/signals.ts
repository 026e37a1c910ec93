import * as v from 'valibot'
import { controlKinds } from '#src/domain/agent.ts'
import { signalOutcomes } from '#src/domain/signal.ts'
import { count, jsonObject, uuid, wholeNumber } from './values.ts'

const time = v.pipe(v.string(), v.isoTimestamp())

/** A signal as REST shows it, with what became of it. */
export const signalDetails = v.strictObject({
  id: uuid,
  agent_id: uuid,
  kind: v.picklist([...controlKinds, 'message']),
  payload: v.nullable(v.record(v.string(), v.unknown())),
  reason: v.nullable(v.string()),
  created_at: time,
  /** How often it was delivered. */
  attempt: count,
  delivered_at: v.nullable(time),
  acknowledged_at: v.nullable(time),
  outcome: v.nullable(v.picklist(signalOutcomes)),
  detail: v.nullable(v.string()),
})

/** Control signals come of actions; only messages are sent by themselves. */
export const sendSignalBody = v.strictObject({
  kind: v.literal('message', 'Must be message'),
  payload: jsonObject(64 * 1024),
})

const DAY_SECONDS = 24 * 60 * 60

export const agentTokenBody = v.strictObject({
  expires_in: v.optional(wholeNumber(60, 30 * DAY_SECONDS), DAY_SECONDS),
})

export const agentToken = v.strictObject({ token: v.string(), expires_at: time })

import * as v from 'valibot'
import { modes } from '#src/domain/actions.ts'
import { signalKinds, signalOutcomes } from '#src/domain/signal.ts'
import { count, field, isoTime, jsonObject, uuid, wholeNumber } from './values.ts'

const mode = field(v.nullable(v.picklist(modes)), 'How soon to obey; null for a resume or a message')

/** A signal as runtimes and watchers see it. */
export const signal = v.strictObject({
  id: uuid,
  kind: v.picklist(signalKinds),
  payload: v.nullable(v.record(v.string(), v.unknown())),
  reason: v.nullable(v.string()),
  mode,
  issued_at: isoTime,
  attempt: field(count, 'Counts its deliveries, from 1'),
})

/** A signal as REST shows it, with what became of it. */
export const signalDetails = v.strictObject({
  id: uuid,
  agent_id: uuid,
  kind: v.picklist(signalKinds),
  payload: v.nullable(v.record(v.string(), v.unknown())),
  reason: v.nullable(v.string()),
  mode,
  created_at: isoTime,
  attempt: field(count, 'How often it was delivered'),
  delivered_at: v.nullable(isoTime),
  acknowledged_at: v.nullable(isoTime),
  outcome: field(v.nullable(v.picklist(signalOutcomes)), 'Null until the runtime acknowledges it'),
  detail: field(v.nullable(v.string()), "The runtime's own words"),
})

/** Actions send control signals, so a message is all that this body can send. */
export const sendSignalBody = v.strictObject({
  kind: v.literal('message', 'Must be message'),
  payload: jsonObject(64 * 1024),
})

const DAY_SECONDS = 24 * 60 * 60

export const tokenSeconds = field(wholeNumber(60, 30 * DAY_SECONDS), 'Seconds')

export const agentTokenBody = v.strictObject({ expires_in: v.optional(tokenSeconds, DAY_SECONDS) })

export const agentToken = v.strictObject({ token: v.string(), expires_at: isoTime })

import * as v from 'valibot'
import { controlKinds } from '#src/domain/agent.ts'
import { eventNames } from '#src/domain/events.ts'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import { actor, agentSummary } from './agents.ts'
import { count, uuid, wholeNumber } from './values.ts'

const time = v.pipe(v.string(), v.isoTimestamp())

export const signal = v.strictObject({
  id: uuid,
  kind: v.picklist([...controlKinds, 'message']),
  payload: v.nullable(v.record(v.string(), v.unknown())),
  reason: v.nullable(v.string()),
  issued_at: time,
  attempt: count,
})

/** The event object of every reader of the log: watchers, event streams, `GET /events`. */
export const eventFrame = v.strictObject({
  type: v.literal('event'),
  project_id: uuid,
  seq: count,
  epoch: wholeNumber(1),
  name: v.picklist(eventNames),
  at: time,
  actor,
  agent: agentSummary,
  from: v.optional(v.picklist(agentStatuses)),
  to: v.optional(v.picklist(agentStatuses)),
  signal: v.optional(signal),
})

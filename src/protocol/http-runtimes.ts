import * as v from 'valibot'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import { signalOutcomes } from '#src/domain/signal.ts'
import { control } from './agents.ts'
import { MAX_WAIT_SECONDS } from './bounds.ts'
import { ackFields } from './messages/ack.ts'
import { reportFields } from './messages/report.ts'
import { askFields } from './messages/request.ts'
import { request } from './requests.ts'
import { signal } from './signals.ts'
import { count, field, queryNumber } from './values.ts'

/** What runtimes send and get that speak HTTP: the fields of the WebSocket's messages. */

export const waitQuery = v.object({
  wait: v.optional(
    field(queryNumber({ min: 0, max: MAX_WAIT_SECONDS }), 'How many seconds the answer may wait for news'),
    '0',
  ),
})

export const reportBody = v.strictObject(reportFields)

const status_rejected = v.optional(
  field(v.string(), 'Why the status was not taken; everything else was applied'),
)

export const reportResult = v.strictObject({
  status: field(v.picklist(agentStatuses), 'The status that the agent has now'),
  status_rejected,
  seq: field(count, 'The number of the newest event of the agent'),
  control: field(v.nullable(control), 'The newest order, and how far it has come'),
})

export const deliveredSignal = v.strictObject({
  ...signal.entries,
  traceparent: v.optional(field(v.string(), 'W3C trace context, if the server records traces')),
})

export const ackBody = v.strictObject(ackFields)

export const ackResult = v.strictObject({
  outcome: field(v.picklist(signalOutcomes), 'That of the first acknowledgement, or superseded'),
})

export const askBody = v.strictObject(askFields)

export const askedRequest = v.strictObject({ ...request.entries, status_rejected })

import * as v from 'valibot'
import { agentSummary } from './agents.ts'
import { count, field, isoTime, queryNumber, queryTime, uuid } from './values.ts'

export const momentQuery = v.object({
  time: v.optional(field(queryTime, 'The moment; now if it and `seq` are left out')),
  seq: v.optional(
    field(
      queryNumber({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      'In place of `time`: right after the event with this number',
    ),
  ),
  after: v.optional(field(uuid, 'In the order of ids: the agents after this one')),
  limit: v.optional(queryNumber({ min: 1, max: 5_000 }), '1000'),
})

export const moment = v.object({
  data: v.array(
    v.object({
      agent: field(agentSummary, 'As its newest event up to the moment says'),
      is_exact: field(
        v.boolean(),
        'False: that event is no longer kept, so only the status is right, and the rest is from the next event',
      ),
    }),
  ),
  seq: field(count, 'The number of the newest event up to the moment'),
  time: field(isoTime, 'The moment'),
  next: field(v.nullable(uuid), 'Where the agents continue: give it as `after`, with `seq`. Null at the end'),
})

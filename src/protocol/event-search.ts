import * as v from 'valibot'
import { actorKinds } from '#src/domain/actor.ts'
import { eventNames } from '#src/domain/events.ts'
import { eventFrame } from './messages/event.ts'
import { count, field, isoTime, queryNumber, queryTime, searchText, uuid } from './values.ts'

const seq = queryNumber({ min: 0, max: Number.MAX_SAFE_INTEGER })
const names: ReadonlySet<string> = new Set(eventNames)

export const eventSearchQuery = v.object({
  before: v.optional(
    field(seq, 'Looks back from the event before this number; without any place, from the end'),
  ),
  after: v.optional(field(seq, 'Looks on from the event after this number')),
  time: v.optional(field(queryTime, 'Looks back from the last event up to this time')),
  name: v.optional(
    field(
      v.pipe(
        v.string(),
        v.check(
          (text) => text.split(',').every((name) => names.has(name)),
          'Must be names of events, with commas between them',
        ),
      ),
      'Names of events, with commas between them',
    ),
  ),
  agent_id: v.optional(uuid),
  actor: v.optional(
    field(v.picklist(actorKinds, `Must be one of ${actorKinds.join(', ')}`), 'The kind of the actor'),
  ),
  q: v.optional(
    field(searchText(200), 'Text in the names, task, labels, reason, message or question, in any case'),
  ),
  limit: v.optional(queryNumber({ min: 1, max: 1_000 }), '100'),
})

export const eventSearch = v.object({
  data: v.array(eventFrame),
  searched: field(
    v.object({ from: count, to: count }),
    'The numbers that have been looked at, both included. `from` is above `to` if there are none',
  ),
  oldest_seq: field(count, 'The oldest number that is kept'),
  oldest_at: field(v.nullable(isoTime), 'Its time; null if no event is kept'),
  last_seq: field(count, 'The number of the newest event'),
})

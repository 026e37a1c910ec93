import * as v from 'valibot'
import { actions } from '#src/domain/actions.ts'
import { type Hold, holdCauses } from '#src/domain/hold.ts'
import { actor } from './agents.ts'
import { pageQuery } from './resources.ts'
import { selector } from './selector.ts'
import { count, field, isoTime, label, queryFlag, time, uuid, wholeNumber } from './values.ts'

const MAX_REASON = 500
const MAX_HOLD_SECONDS = 365 * 24 * 60 * 60
const MAX_OVER_SECONDS = 60 * 60

const { modes } = actions.pause

export const placeHoldBody = v.pipe(
  v.strictObject({
    reason: field(label(MAX_REASON), 'Operators and runtimes see it'),
    selector: v.nullish(selector, null),
    agent_type_id: v.nullish(field(uuid, 'Only agents of this type'), null),
    mode: v.nullish(
      field(
        v.picklist(modes, `Must be one of ${modes.join(', ')}`),
        'How soon the runtimes obey; checkpoint without it',
      ),
    ),
    until: v.nullish(field(time, 'When it ends by itself')),
    for: v.nullish(field(wholeNumber(1, MAX_HOLD_SECONDS), 'Seconds after which it ends by itself')),
  }),
  v.forward(
    v.check(({ until, for: seconds }) => until == null || seconds == null, 'Give until or for, not both'),
    ['until'],
  ),
)

export const releaseHoldBody = v.strictObject({
  over_seconds: v.nullish(
    field(wholeNumber(0, MAX_OVER_SECONDS), 'The agents resume one after the other, spread over this time'),
    0,
  ),
})

export const listHoldsQuery = v.object({
  ...pageQuery.entries,
  active: v.optional(field(queryFlag, 'true: only holds that stand; false: only released ones')),
})

export const hold = v.strictObject({
  id: uuid,
  project_id: field(v.nullable(uuid), 'Null for a hold of all projects'),
  group_id: field(v.nullable(uuid), 'The hold of all projects that this one belongs to'),
  reason: v.string(),
  selector: field(v.nullable(v.string()), 'Null: agents with any labels'),
  agent_type_id: field(v.nullable(uuid), 'Null: agents of any type'),
  mode: field(v.picklist(modes), 'How soon the runtimes are to obey'),
  until: field(v.nullable(isoTime), 'When it ends by itself'),
  cause: field(
    v.object({
      kind: v.picklist(holdCauses),
      id: field(v.nullable(uuid), 'The budget that is used up; null for an order'),
    }),
    'Who placed it: a person or a key, or a budget',
  ),
  created_by: actor,
  created_at: isoTime,
  released_at: field(v.nullable(isoTime), 'Null while it stands'),
  released_by: v.nullable(actor),
  affected_count: field(count, 'Agents that it has paused so far'),
}) satisfies v.GenericSchema<unknown, Hold>

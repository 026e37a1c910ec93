import * as v from 'valibot'
import * as examples from '../examples.ts'
import { field, uuid, wholeNumber } from '../values.ts'
import { frame, messageId } from './frame.ts'

export const subscribe = frame(
  'subscribe',
  'Watches a project: from a snapshot, or from the event after the last one that the reader has.',
  {
    id: messageId,
    project_id: uuid,
    after: v.optional(
      field(
        v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
        'The seq of the last event that the reader has',
      ),
    ),
    epoch: v.optional(field(wholeNumber(1), 'The epoch that `after` belongs to; 1 if it is absent')),
  },
  { id: '2', project_id: examples.ids.project, after: 41, epoch: 1 },
)

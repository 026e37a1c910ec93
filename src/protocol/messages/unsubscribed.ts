import * as v from 'valibot'
import * as examples from '../examples.ts'
import { field, uuid } from '../values.ts'
import { frame, replyId } from './frame.ts'

export const unsubscribed = frame(
  'unsubscribed',
  'The project is no longer watched on this connection.',
  {
    id: replyId,
    project_id: uuid,
    reason: v.optional(
      field(
        v.picklist(['requested', 'forbidden', 'deleted']),
        'By `unsubscribe`; because the access ended; or because the project is gone',
      ),
    ),
  },
  { id: '3', project_id: examples.ids.project, reason: 'requested' },
)

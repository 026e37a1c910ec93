import * as v from 'valibot'
import * as examples from '../examples.ts'
import { request } from '../requests.ts'
import { field, uuid } from '../values.ts'
import { frame, replyId } from './frame.ts'

export const requested = frame(
  'requested',
  'The request is committed, or was before.',
  {
    id: replyId,
    agent_id: uuid,
    request: field(request, 'As it stands'),
    status_rejected: v.optional(field(v.string(), 'Why the status was not taken; the request is open')),
  },
  { id: '9', agent_id: examples.ids.agent, request: examples.request },
)

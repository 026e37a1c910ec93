import * as examples from '../examples.ts'
import { request } from '../requests.ts'
import { field, uuid } from '../values.ts'
import { frame, replyId } from './frame.ts'

export const withdrawn = frame(
  'withdrawn',
  'The request has ended; its `cause` says how.',
  { id: replyId, agent_id: uuid, request: field(request, 'As it stands') },
  {
    id: '10',
    agent_id: examples.ids.agent,
    request: { ...examples.request, state: 'cancelled', cause: 'withdrawn', ended_at: examples.times.soon },
  },
)

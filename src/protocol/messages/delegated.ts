import * as v from 'valibot'
import * as examples from '../examples.ts'
import { field, isoTime, uuid } from '../values.ts'
import { frame, replyId } from './frame.ts'

export const delegated = frame(
  'delegated',
  'The token, which only this frame shows.',
  {
    id: replyId,
    agent_id: uuid,
    token: v.string(),
    expires_at: field(isoTime, 'Not after the key that runs the agent'),
  },
  { id: '11', agent_id: examples.ids.agent, token: 'sba_…', expires_at: examples.times.later },
)

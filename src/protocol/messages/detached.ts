import * as v from 'valibot'
import * as examples from '../examples.ts'
import { field, uuid } from '../values.ts'
import { frame, replyId } from './frame.ts'

export const detached = frame(
  'detached',
  'The agent is no longer linked to this connection.',
  {
    id: replyId,
    agent_id: uuid,
    reason: field(
      v.picklist(['requested', 'replaced', 'revoked']),
      'By `detach`; by a newer link; or because the right to the agent, or the agent, is gone',
    ),
  },
  { agent_id: examples.ids.agent, reason: 'replaced' },
)

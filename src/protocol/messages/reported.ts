import * as v from 'valibot'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import * as examples from '../examples.ts'
import { count, field, uuid } from '../values.ts'
import { frame, replyId } from './frame.ts'

export const reported = frame(
  'reported',
  'The report is committed.',
  {
    id: replyId,
    agent_id: uuid,
    n: field(count, 'The number of the report'),
    status: field(v.picklist(agentStatuses), 'The status that the agent has now'),
    seq: field(count, 'The number of the newest event of the agent'),
    duplicate: v.optional(field(v.literal(true), 'This `n` was applied before; nothing changed')),
    status_rejected: v.optional(
      field(v.string(), 'Why the status was not taken; the rest of the report was applied'),
    ),
  },
  { id: '8', agent_id: examples.ids.agent, n: 58, status: 'working', seq: 43 },
)

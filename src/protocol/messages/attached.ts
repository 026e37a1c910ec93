import * as v from 'valibot'
import { registrations } from '#src/domain/registration.ts'
import { agent } from '../agents.ts'
import * as examples from '../examples.ts'
import { request, shortRequest } from '../requests.ts'
import { count, field, uuid } from '../values.ts'
import { frame, replyId } from './frame.ts'

export const attached = frame(
  'attached',
  'The agent is linked to this connection. Its unacknowledged signals follow, oldest first.',
  {
    id: replyId,
    agent_id: uuid,
    lease: field(count, 'Higher with each attach; the newest link speaks for the agent'),
    agent: field(agent, 'The whole agent, with its memory'),
    last_report: field(count, 'The number of the last report that was applied'),
    pending_signals: field(count, 'How many unacknowledged signals follow'),
    open_requests: field(
      v.array(v.union([request, shortRequest])),
      'The open requests, oldest first; after 256 KiB of them, only what tells them apart',
    ),
    registered: v.optional(
      field(v.picklist(registrations), 'In the answer to `register`: whether the agent is a new one'),
    ),
  },
  {
    id: '4',
    agent_id: examples.ids.agent,
    lease: 3,
    agent: examples.agent,
    last_report: 57,
    pending_signals: 0,
    open_requests: [],
  },
)

import * as v from 'valibot'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import * as examples from '../examples.ts'
import { question } from '../requests.ts'
import { field, uuid } from '../values.ts'
import { frame, messageId } from './frame.ts'

const statuses = agentStatuses.filter((name) => name !== 'terminated')

/** What a runtime asks, on a socket and over HTTP. */
export const askFields = {
  ...question,
  status: v.optional(
    field(
      v.picklist(statuses, `Must be one of ${statuses.join(', ')}`),
      'The status that the runtime gives the agent, usually `waiting`',
    ),
  ),
}

export const request = frame(
  'request',
  'Asks people something, durably. The answer comes as a signal of the kind `answer`. A `request_id` that is known changes nothing.',
  {
    id: messageId,
    agent_id: uuid,
    ...askFields,
  },
  {
    id: '9',
    agent_id: examples.ids.agent,
    ...examples.question,
    metadata: examples.requestMetadata,
    status: 'waiting',
  },
)

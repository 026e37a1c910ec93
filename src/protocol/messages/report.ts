import * as v from 'valibot'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import { current_task, memory, session_id } from '../agents.ts'
import * as examples from '../examples.ts'
import { reportedUsage } from '../usage.ts'
import { field, uuid, wholeNumber } from '../values.ts'
import { frame, messageId } from './frame.ts'

/** What a report says, on a socket and over HTTP. */
export const reportFields = {
  status: v.optional(
    field(
      v.picklist(agentStatuses, `Must be one of ${agentStatuses.join(', ')}`),
      'The status that the runtime gives the agent',
    ),
  ),
  current_task: v.optional(field(v.nullable(current_task), 'Null clears it')),
  short_term_memory: v.optional(field(memory, 'Replaces the whole memory')),
  session_id: v.optional(field(v.nullable(session_id), 'Null clears it')),
  usage: v.optional(
    field(
      reportedUsage,
      'What was used since the last report, in all or model by model; the server adds it up',
    ),
  ),
}

/** A report without what belongs to its socket. */
export const exampleReport = {
  status: 'working',
  current_task: 'Check the quotes',
  usage: {
    tasks_completed: 1,
    input_tokens: 1_600,
    output_tokens: 250,
    cost_incurred: '0.0740',
    model: 'large',
  },
} as const

export const report = frame(
  'report',
  'Says what an agent is doing and what it has used since its last report. Each `n` is applied once.',
  {
    id: messageId,
    agent_id: uuid,
    n: field(wholeNumber(1), 'Above the number of the last report; gaps are fine'),
    ...reportFields,
  },
  {
    id: '8',
    agent_id: examples.ids.agent,
    n: 58,
    ...exampleReport,
  },
)

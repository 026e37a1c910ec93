import * as v from 'valibot'
import { agentSummary } from '../agents.ts'
import * as examples from '../examples.ts'
import { count, field, uuid, wholeNumber } from '../values.ts'
import { frame } from './frame.ts'

export const snapshot = frame(
  'snapshot',
  'The agents of a project as they are at `seq`, in one or more frames. Every event after `seq` follows.',
  {
    project_id: uuid,
    seq: field(count, 'The number of the newest event that the agents show'),
    epoch: field(wholeNumber(1), 'The history that `seq` counts'),
    agents: field(v.array(agentSummary), 'Terminated agents too, all without their memory'),
    last: field(v.boolean(), 'True in the last frame of the snapshot'),
  },
  { project_id: examples.ids.project, seq: 41, epoch: 1, agents: [examples.agentSummary], last: true },
)

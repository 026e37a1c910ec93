import * as v from 'valibot'
import { signalOutcomes } from '#src/domain/signal.ts'
import * as examples from '../examples.ts'
import { field, uuid } from '../values.ts'
import { frame, replyId } from './frame.ts'

export const acknowledged = frame(
  'acknowledged',
  'Answers ack with the outcome that the signal has.',
  {
    id: replyId,
    agent_id: uuid,
    signal_id: uuid,
    outcome: field(
      v.picklist(signalOutcomes),
      'The first acknowledgement counts; a superseded signal stays superseded',
    ),
  },
  { id: '6', agent_id: examples.ids.agent, signal_id: examples.ids.signal, outcome: 'done' },
)

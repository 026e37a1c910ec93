import * as examples from '../examples.ts'
import { request_id } from '../requests.ts'
import { uuid } from '../values.ts'
import { frame, messageId } from './frame.ts'

export const withdraw = frame(
  'withdraw',
  'Takes a question back: the request is cancelled, unless it has ended.',
  { id: messageId, agent_id: uuid, request_id },
  { id: '10', agent_id: examples.ids.agent, request_id: examples.question.request_id },
)

import * as examples from '../examples.ts'
import { uuid } from '../values.ts'
import { frame, messageId } from './frame.ts'

export const detach = frame(
  'detach',
  'This connection stops running the agent.',
  {
    id: messageId,
    agent_id: uuid,
  },
  { id: '5', agent_id: examples.ids.agent },
)

import * as examples from '../examples.ts'
import { capabilities, client } from '../runtimes.ts'
import { uuid } from '../values.ts'
import { frame, messageId } from './frame.ts'

export const attach = frame(
  'attach',
  'This connection runs the agent from now on. The answer is `attached`; an earlier link of the agent is replaced.',
  { id: messageId, agent_id: uuid, capabilities, client },
  { id: '4', agent_id: examples.ids.agent, capabilities: ['interrupt'], client: examples.client },
)

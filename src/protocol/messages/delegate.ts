import * as v from 'valibot'
import * as examples from '../examples.ts'
import { tokenSeconds } from '../signals.ts'
import { uuid } from '../values.ts'
import { frame, messageId } from './frame.ts'

export const delegate = frame(
  'delegate',
  'Asks for a token of the agent, for a program that runs on its behalf. It replaces the one before.',
  { id: messageId, agent_id: uuid, expires_in: v.optional(tokenSeconds) },
  { id: '11', agent_id: examples.ids.agent, expires_in: 86_400 },
)

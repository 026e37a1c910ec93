import * as v from 'valibot'
import * as examples from '../examples.ts'
import { field, text, uuid } from '../values.ts'
import { frame, messageId } from './frame.ts'

/** How a signal ended, on a socket and over HTTP. */
export const ackFields = {
  outcome: field(v.picklist(['done', 'failed'], 'Must be one of done, failed'), 'Whether the runtime obeyed'),
  detail: v.nullish(field(text(2_000), 'Why it failed, or what was done; operators see it'), null),
}

export const ack = frame(
  'ack',
  'Acknowledges a signal: the runtime has obeyed it, or could not.',
  {
    id: messageId,
    agent_id: uuid,
    signal_id: field(uuid, 'The `id` of the signal'),
    ...ackFields,
  },
  {
    id: '6',
    agent_id: examples.ids.agent,
    signal_id: examples.ids.signal,
    outcome: 'done',
    detail: 'Stopped after the paragraph',
  },
)

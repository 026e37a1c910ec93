import * as v from 'valibot'
import * as examples from '../examples.ts'
import { signal as signalObject } from '../signals.ts'
import { field, uuid } from '../values.ts'
import { frame } from './frame.ts'

export const signal = frame(
  'signal',
  'An order or a message for the runtime of an agent. It is sent until it is acknowledged.',
  {
    agent_id: uuid,
    signal: v.strictObject({
      ...signalObject.entries,
      traceparent: v.optional(field(v.string(), 'W3C trace context, if the server records traces')),
    }),
  },
  { agent_id: examples.ids.agent, signal: examples.signal },
)

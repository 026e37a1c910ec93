import * as v from 'valibot'
import { field, text } from './values.ts'

const MAX_CAPABILITIES = 32

/** What a runtime says of itself when it attaches. */
export const capabilities = v.optional(
  field(
    v.pipe(
      v.array(v.pipe(text(64), v.minLength(1, 'Must not be empty'))),
      v.maxLength(MAX_CAPABILITIES, `Must have at most ${MAX_CAPABILITIES} items`),
    ),
    'What the runtime can do. `interrupt`: stop in the middle of its work; `requests`: ask people',
  ),
)
export const client = v.optional(
  field(v.nullable(text(128)), 'The program and its version, such as `signalbox-py/0.2.0 langgraph/1.0`'),
)

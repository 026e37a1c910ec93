import * as v from 'valibot'
import { field } from '../values.ts'

/** One frame: its `type`, what it is for, its fields, and an example without the type. Unknown fields are refused. */
export function frame<const Type extends string, const Fields extends v.ObjectEntries>(
  type: Type,
  meaning: string,
  fields: Fields,
  example: object,
) {
  return v.pipe(
    v.strictObject({ type: v.literal(type), ...fields }),
    v.description(meaning),
    v.metadata({ examples: [{ type, ...example }] }),
  )
}

/** A client may put it into any message. */
export const messageId = v.optional(
  field(v.pipe(v.string(), v.maxLength(64)), 'Chosen by the client; every reply repeats it'),
)
/** The reply's side of it. */
export const replyId = v.optional(field(v.string(), 'The id of the message that this answers'))

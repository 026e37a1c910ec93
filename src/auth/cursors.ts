import * as v from 'valibot'
import { seal, unseal } from './seal.ts'
import type { TokenKeys } from './tokens.ts'

/** How long a walk through a list may pause. */
const CURSOR_MS = 24 * 60 * 60 * 1000

const purpose = 'signalbox cursors'
const contents = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ until: v.number(), position: v.tuple([v.string(), v.string()]) }),
)

/** `context` names a list with its filter; `now` is in milliseconds since 1970, by the database's clock. */
export type CursorOf = { context: string; keys: TokenKeys; now: number }

/** The position of a walk, good for a day. */
export function sealCursor(position: readonly [string, string], { context, keys, now }: CursorOf): string {
  const text = JSON.stringify({ until: now + CURSOR_MS, position })
  return seal(text, { purpose, context }, keys).toString('base64url')
}

/** The position, or the message of a refusal where the cursor belongs to another list or filter, or is too old. */
export function openCursor(cursor: string, { context, keys, now }: CursorOf): [string, string] | string {
  const opened = unseal(Buffer.from(cursor, 'base64url'), { purpose, context }, keys)
  const parsed = opened && v.safeParse(contents, opened.text)
  if (!parsed?.success) {
    return 'Not a cursor of this list with this filter; start again with an empty cursor'
  }
  const { until, position } = parsed.output
  return until > now ? position : 'The cursor expired after a day; start again with an empty cursor'
}

import * as v from 'valibot'
import { count, field } from '../values.ts'
import { frame } from './frame.ts'

/** Why the server closes a socket with 1001: it drains, or a backup of the database was restored. */
export const goodbyeReasons = ['draining', 'restored'] as const
export type GoodbyeReason = (typeof goodbyeReasons)[number]

export const goodbye = frame(
  'goodbye',
  'The server closes this connection. Come back after `retry_after_ms`.',
  {
    reason: field(v.picklist(goodbyeReasons), 'The server stops; or a backup of its database was restored'),
    retry_after_ms: field(count, 'Spread at random, so that clients do not come back all at once'),
  },
  { reason: 'draining', retry_after_ms: 2_140 },
)

import type * as v from 'valibot'
import { acknowledged } from './acknowledged.ts'
import { attached } from './attached.ts'
import { authenticated } from './authenticated.ts'
import { delegated } from './delegated.ts'
import { detached } from './detached.ts'
import { error } from './error.ts'
import { eventFrame } from './event.ts'
import { goodbye } from './goodbye.ts'
import { hello } from './hello.ts'
import { pong } from './pong.ts'
import { reported } from './reported.ts'
import { requested } from './requested.ts'
import { signal } from './signal.ts'
import { snapshot } from './snapshot.ts'
import { subscribed } from './subscribed.ts'
import { tokenExpiring } from './token-expiring.ts'
import { unsubscribed } from './unsubscribed.ts'
import { withdrawn } from './withdrawn.ts'

/** What the server sends, by its `type`. The schemas serve types, documents and tests; nothing checks them at run time. */
export const serverMessages = {
  hello,
  authenticated,
  token_expiring: tokenExpiring,
  subscribed,
  snapshot,
  event: eventFrame,
  unsubscribed,
  attached,
  detached,
  signal,
  acknowledged,
  reported,
  requested,
  withdrawn,
  delegated,
  pong,
  goodbye,
  error,
}

export type ServerMessageType = Exclude<keyof typeof serverMessages, 'event'>
/** A frame that the server writes itself; events come from the log as text. */
export type ServerMessage<Type extends ServerMessageType = ServerMessageType> = v.InferOutput<
  (typeof serverMessages)[Type]
>

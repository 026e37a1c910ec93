import type * as v from 'valibot'
import { ack } from './ack.ts'
import { attach } from './attach.ts'
import { auth } from './auth.ts'
import { delegate } from './delegate.ts'
import { detach } from './detach.ts'
import { ping } from './ping.ts'
import { register } from './register.ts'
import { report } from './report.ts'
import { request } from './request.ts'
import { subscribe } from './subscribe.ts'
import { unsubscribe } from './unsubscribe.ts'
import { withdraw } from './withdraw.ts'

/** What a client may send, by its `type`. A new message is a file, a row here and a handler. */
export const clientMessages = {
  auth,
  subscribe,
  unsubscribe,
  ping,
  attach,
  register,
  detach,
  ack,
  report,
  request,
  withdraw,
  delegate,
}

export type ClientMessageType = keyof typeof clientMessages
export type ClientMessage<Type extends ClientMessageType = ClientMessageType> = v.InferOutput<
  (typeof clientMessages)[Type]
>

/** Messages that the server may handle at the same time. It still takes those of one agent in their order. */
export const concurrentMessages: ReadonlySet<ClientMessageType> = new Set([
  'attach',
  'register',
  'detach',
  'ack',
  'report',
  'request',
  'withdraw',
  'delegate',
])

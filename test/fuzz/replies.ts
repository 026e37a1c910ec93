import { errorCodes } from '#src/domain/errors.ts'
import { MAX_MESSAGE_BYTES } from '#src/protocol/bounds.ts'
import type { ServerMessage } from '#src/protocol/messages/down.ts'
import type { ClientMessageType } from '#src/protocol/messages/up.ts'
import type { Frame, Watcher } from '../support/watcher.ts'
import { SECRET } from './json.ts'

const MAX_WAIT_MS = 5_000
const codes = new Set<string>(Object.values(errorCodes).filter((code) => code !== errorCodes.internal))

/** What answers a message of each type; an `error` may answer any. */
export const replies: Record<ClientMessageType, ServerMessage['type']> = {
  auth: 'authenticated',
  subscribe: 'subscribed',
  unsubscribe: 'unsubscribed',
  ping: 'pong',
  attach: 'attached',
  register: 'attached',
  detach: 'detached',
  ack: 'acknowledged',
  report: 'reported',
  request: 'requested',
  withdraw: 'withdrawn',
  delegate: 'delegated',
}

type Said = { type: ClientMessageType | undefined; id: string | undefined; isTooLong: boolean }

/** A message as the server has to understand it. */
function read(text: string): Said {
  const isTooLong = Buffer.byteLength(text) > MAX_MESSAGE_BYTES
  try {
    const { type, id } = Object(JSON.parse(text)) as Record<string, unknown>
    const own = typeof type === 'string' && Object.hasOwn(replies, type)
    return {
      type: own ? (type as ClientMessageType) : undefined,
      id: typeof id === 'string' && id.length <= 64 ? id : undefined,
      isTooLong,
    }
  } catch {
    return { type: undefined, id: undefined, isTooLong }
  }
}

/**
 * Says something, and after it a ping, whose answer shows that the connection goes on. Returns what is wrong
 * with what comes back: a reply with the same id, or a close code of the contract for a reason.
 */
export async function findFault(peer: Watcher, text: string, after: string): Promise<string | undefined> {
  const said = read(text)
  const start = peer.frames.length
  peer.socket.send(text)
  peer.send({ type: 'ping', id: after })
  const since = () => peer.frames.slice(start)
  const isReply = (frame: Frame) =>
    frame.id === said.id &&
    (frame.type === 'error' || (said.type !== undefined && frame.type === replies[said.type]))
  const isDone = () => since().some(isReply) && since().some((frame) => frame.id === after)
  const code = await peer.until(isDone, MAX_WAIT_MS)
  if (since().some((frame) => JSON.stringify(frame).includes(SECRET))) return 'a secret is echoed'
  const error = since().find((frame) => frame.type === 'error' && !isRefusal(frame))
  if (error) return `an error like no other: ${JSON.stringify(error)}`
  if (code === 'late')
    return `no reply within ${MAX_WAIT_MS} ms, but ${JSON.stringify(since()).slice(0, 300)}`
  return code === undefined ? undefined : findWrongClose(code, said)
}

function isRefusal({ type: _, id: _id, code, message, field, ...rest }: Frame): boolean {
  return (
    codes.has(String(code)) &&
    typeof message === 'string' &&
    message !== '' &&
    (field === undefined || typeof field === 'string') &&
    Object.keys(rest).length === 0
  )
}

function findWrongClose(code: number, { type, isTooLong }: Said): string | undefined {
  // A stranger has 5 s, and what it says may take longer on a busy machine.
  const expected = [...(isTooLong ? [1009] : []), ...(type === 'auth' ? [4401] : []), 4408]
  return expected.includes(code) ? undefined : `closed with ${code}`
}

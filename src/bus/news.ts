import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto'
import { readFrame } from '#src/store/event-frame.ts'
import type { LoggedEvent } from '#src/store/events.ts'
import { MAX_NEWS_LENGTH } from './bounds.ts'

/**
 * Writes and reads news: `SENDER SEQ MAC FRAME`. SENDER names a process, followed by `;TRACEPARENT` where the event is
 * traced. Every program that reaches Redis can publish, so the servers sign news with a key that only they have, and drop
 * what does not verify. The epoch is in the frame; servers before 0.2 leave it out, and their news is of the first.
 */
export type NewsCodec = {
  readonly deployment: string
  readonly sender: string
  encode(event: LoggedEvent): string
  /** Undefined: this process sent it (and has heard it already), or it is no news of this project. */
  decode(project_id: string, message: string): LoggedEvent | undefined
}

const MAC_LENGTH = 22

/** A W3C traceparent. The MAC leaves it out: a forged one only names a trace that does not exist. */
const traceparentForm = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

type News = { project_id: string; seq: string; frame: string }

/** The channel of a project. */
export function channelOf(deployment: string, project_id: string): string {
  return `signalbox:events:${deployment}:${project_id}`
}

type Identity = Pick<NewsCodec, 'deployment' | 'sender'>

/** Signs with the first of the secrets, and accepts news signed with any. */
export function createNewsCodec(
  secrets: readonly [string, ...string[]],
  { deployment, sender }: Identity,
): NewsCodec {
  // From a buffer Node would make a key object for each hash, which costs five times the hash itself.
  const derive = (secret: string) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `signalbox news ${deployment}`, 32)))
  const [key, ...others] = [derive(secrets[0]), ...secrets.slice(1).map(derive)] as const
  const ownSenders = [`${sender} `, `${sender};`] as const
  const macOf = (by: KeyObject, { project_id, seq, frame }: News) =>
    createHmac('sha256', by)
      .update(`${project_id} ${seq} `)
      .update(frame)
      .digest('base64url')
      .slice(0, MAC_LENGTH)

  return {
    deployment,
    sender,
    encode({ project_id, seq, frame, traceparent }) {
      const from = traceparent === undefined ? sender : `${sender};${traceparent}`
      return `${from} ${seq} ${macOf(key, { project_id, seq: String(seq), frame })} ${frame}`
    },
    decode(project_id, message) {
      if (message.length > MAX_NEWS_LENGTH) return undefined
      if (message.startsWith(ownSenders[0]) || message.startsWith(ownSenders[1])) return undefined
      const afterSender = message.indexOf(' ') + 1
      const afterSeq = message.indexOf(' ', afterSender) + 1
      const afterMac = afterSeq + MAC_LENGTH + 1
      if (afterSender === 0 || afterSeq === 0 || message.length <= afterMac) return undefined
      const seq = message.slice(afterSender, afterSeq - 1)
      const frame = message.slice(afterMac)
      const mac = Buffer.from(message.slice(afterSeq, afterMac - 1))
      const isSignedBy = (by: KeyObject) => {
        const expected = Buffer.from(macOf(by, { project_id, seq, frame }))
        return mac.length === expected.length && timingSafeEqual(mac, expected)
      }
      if (!isSignedBy(key) && !others.some(isSignedBy)) return undefined
      const event = { project_id, seq: Number(seq), ...readFrame(frame) }
      const traceparent = message.slice(0, afterSender - 1).split(';')[1]
      return traceparent && traceparentForm.test(traceparent) ? { ...event, traceparent } : event
    },
  }
}

import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { LoggedEvent } from '#src/store/events.ts'
import { epochOf, withEpoch } from '#src/store/frame-epoch.ts'

/**
 * The form in which news travels: `SENDER SEQ MAC FRAME`, where SENDER is that of a process, with `;TRACEPARENT` after it
 * where the event is traced. Anybody who reaches Redis can publish, so news is
 * signed with a key that only the servers have; what does not verify is dropped, and the log tells the truth. The
 * epoch is in the frame; a server of before 0.2 leaves it out, and its news is of the first.
 */
export type NewsCodec = {
  encode(event: LoggedEvent): string
  /** Undefined for news of this very process (heard already), and for whatever is not news of this project. */
  decode(project_id: string, message: string): LoggedEvent | undefined
}

const MAC_LENGTH = 22
/** No event is so long; what somebody else publishes is not read to its end. */
const MAX_LENGTH = 1024 * 1024

/** Of a W3C traceparent. Forged, it tells of a trace that is not there: so the MAC leaves it out. */
const traceparentForm = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

type News = { project_id: string; seq: string; frame: string }

/** `secrets`: news is signed with the first, and taken when signed with any. */
export function createNewsCodec(secrets: readonly [string, ...string[]], sender: string): NewsCodec {
  // A key object: from a buffer Node would make one each time, which costs five times the hash.
  const derive = (secret: string) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', 'signalbox news', 32)))
  const [key, ...others] = [derive(secrets[0]), ...secrets.slice(1).map(derive)] as const
  const own = [`${sender} `, `${sender};`] as const
  const macOf = (by: KeyObject, { project_id, seq, frame }: News) =>
    createHmac('sha256', by)
      .update(`${project_id} ${seq} `)
      .update(frame)
      .digest('base64url')
      .slice(0, MAC_LENGTH)

  return {
    encode({ project_id, seq, frame, traceparent }) {
      const from = traceparent === undefined ? sender : `${sender};${traceparent}`
      return `${from} ${seq} ${macOf(key, { project_id, seq: String(seq), frame })} ${frame}`
    },
    decode(project_id, message) {
      if (message.length > MAX_LENGTH) return undefined
      if (message.startsWith(own[0]) || message.startsWith(own[1])) return undefined
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
      const epoch = epochOf(frame)
      const event = { project_id, epoch, seq: Number(seq), frame: withEpoch(frame, epoch) }
      const traceparent = message.slice(0, afterSender - 1).split(';')[1]
      return traceparent && traceparentForm.test(traceparent) ? { ...event, traceparent } : event
    },
  }
}

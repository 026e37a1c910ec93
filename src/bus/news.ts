import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { LoggedEvent } from '#src/store/events.ts'

/**
 * The form in which news travels: `SENDER SEQ MAC FRAME`. Anybody who reaches Redis can publish, so news is
 * signed with a key that only the servers have; what does not verify is dropped, and the log tells the truth.
 */
export type NewsCodec = {
  encode(event: LoggedEvent): string
  /** Undefined for news of this very process (heard already), and for whatever is not news of this project. */
  decode(project_id: string, message: string): LoggedEvent | undefined
}

const MAC_LENGTH = 22

export function createNewsCodec(secret: string, sender: string): NewsCodec {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'signalbox news', 32))
  const own = `${sender} `
  const macOf = (project_id: string, seq: string, frame: string) =>
    createHmac('sha256', key)
      .update(`${project_id} ${seq} `)
      .update(frame)
      .digest('base64url')
      .slice(0, MAC_LENGTH)

  return {
    encode({ project_id, seq, frame }) {
      return `${own}${seq} ${macOf(project_id, String(seq), frame)} ${frame}`
    },
    decode(project_id, message) {
      if (message.startsWith(own)) return undefined
      const afterSender = message.indexOf(' ') + 1
      const afterSeq = message.indexOf(' ', afterSender) + 1
      const afterMac = afterSeq + MAC_LENGTH + 1
      if (afterSender === 0 || afterSeq === 0 || message.length <= afterMac) return undefined
      const seq = message.slice(afterSender, afterSeq - 1)
      const frame = message.slice(afterMac)
      const mac = Buffer.from(message.slice(afterSeq, afterMac - 1))
      const expected = Buffer.from(macOf(project_id, seq, frame))
      if (mac.length !== expected.length || !timingSafeEqual(mac, expected)) return undefined
      return { project_id, seq: Number(seq), frame }
    },
  }
}

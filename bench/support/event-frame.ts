import type { LoggedEvent } from '#src/store/events.ts'

const SIZE = 450

/** An event of about 450 bytes, whose number stands where the server's own have it. */
export function eventFrame(project_id: string, seq: number): LoggedEvent {
  const name = 'agent.updated'
  const at = new Date().toISOString()
  const head = `{"type":"event","project_id":"${project_id}","seq":${seq},"epoch":1,"name":"${name}","at":"${at}","filler":"`
  const frame = `${head}${'x'.repeat(Math.max(0, SIZE - head.length - 2))}"}`
  return { project_id, epoch: 1, seq, name, at, frame }
}

const marker = Buffer.from('"seq":')

/** The number in an event's frame; undefined for any other frame. */
export function seqOf(buffer: Buffer, start: number, end: number): number | undefined {
  // 'e' of {"type":"event" tells it from subscribed, snapshot and the like.
  if (buffer[start + 9] !== 0x65 || buffer[start + 10] !== 0x76) return undefined
  return digitsAfter(buffer, buffer.indexOf(marker, start) + marker.length, end)
}

export function digitsAfter(buffer: Buffer, position: number, end: number): number {
  let value = 0
  for (let at = position; at < end; at++) {
    const digit = (buffer[at] as number) - 48
    if (digit < 0 || digit > 9) break
    value = value * 10 + digit
  }
  return value
}

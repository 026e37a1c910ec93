import type { EventName } from '#src/domain/events.ts'
import type { LoggedEvent } from '#src/store/events.ts'

/** In a frame the event's name stands before the agent, so the first `name` is its own. */
const nameInFrame = /"name":"([a-z._]+)"/

/** The name of a logged event, without parsing the whole of it. */
export function nameOf(frame: string): EventName {
  return nameInFrame.exec(frame)?.[1] as EventName
}

/** As the name, `at` stands before the agent. */
const timeInFrame = /"at":"([^"]+)"/

/** When a logged event was decided, in milliseconds of the clock of whoever did. */
export function timeOf(frame: string): number {
  return Date.parse(timeInFrame.exec(frame)?.[1] ?? '')
}

const TEXT_FRAME = 0x81

/** A whole unmasked text frame (RFC 6455, 5.2) around a payload. */
export function toTextFrame(payload: string): Buffer {
  const length = Buffer.byteLength(payload)
  const header = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(header + length)
  frame[0] = TEXT_FRAME
  if (header === 2) frame[1] = length
  else if (header === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.write(payload, header)
  return frame
}

/**
 * Consecutive events of one project, at least one, on their way to many readers: the bytes of each form are
 * made once, by the first reader that needs them, and shared.
 */
export class EventBatch {
  readonly events: readonly LoggedEvent[]
  readonly first: number
  readonly last: number
  #frames: Buffer | undefined
  #slice: EventBatch | undefined

  constructor(events: readonly [LoggedEvent, ...LoggedEvent[]] | readonly LoggedEvent[]) {
    const [first] = events
    const last = events.at(-1)
    if (!first || !last) throw new Error('a batch has at least one event')
    this.events = events
    this.first = first.seq
    this.last = last.seq
  }

  /** The events as WebSocket frames, joined so that they go out in one write. */
  get frames(): Buffer {
    this.#frames ??= Buffer.concat(this.events.map((event) => toTextFrame(event.frame)))
    return this.#frames
  }

  /** What of this batch comes after `seq`; remembered for the next reader, since many come back alike. */
  after(seq: number): EventBatch | undefined {
    if (seq < this.first) return this
    if (seq >= this.last) return undefined
    if (this.#slice?.first !== seq + 1) {
      this.#slice = new EventBatch(this.events.slice(seq + 1 - this.first))
    }
    return this.#slice
  }
}

import type { LoggedEvent } from '#src/store/events.ts'

const TEXT_FRAME = 0x81

/** An unmasked text frame (RFC 6455, 5.2) with the payload. */
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
 * One or more consecutive events of a project, for many readers. The first reader that needs the frames has them made, and
 * all readers share them.
 */
export class EventBatch {
  readonly events: readonly LoggedEvent[]
  readonly first: number
  readonly last: number
  #frames: Buffer | undefined
  #slice: EventBatch | undefined
  #head: EventBatch | undefined

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

  /** The events after `seq`. Kept for the next reader, since many readers return to the same place. */
  after(seq: number): EventBatch | undefined {
    if (seq < this.first) return this
    if (seq >= this.last) return undefined
    if (this.#slice?.first !== seq + 1) {
      this.#slice = new EventBatch(this.events.slice(seq + 1 - this.first))
    }
    return this.#slice
  }

  /** The first events, up to the one that reaches this many characters. Kept for the next reader as well. */
  upTo(characters: number): EventBatch {
    let [length, left] = [0, characters]
    while (left > 0 && length < this.events.length) left -= this.events[length++]?.frame.length ?? 0
    if (length === this.events.length) return this
    if (this.#head?.events.length !== length) this.#head = new EventBatch(this.events.slice(0, length))
    return this.#head
  }
}

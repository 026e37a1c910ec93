import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

type FrameOptions = { fin?: boolean; rsv?: number; masked?: boolean; length?: bigint }

/** Bytes of a frame, right or wrong: `length` may say anything. */
export function frame(opcode: number, payload: string | Buffer = '', options: FrameOptions = {}): Buffer {
  const { fin = true, rsv = 0, masked = true, length } = options
  const body = Buffer.from(payload)
  const said = length ?? BigInt(body.length)
  const mark = masked ? 0x80 : 0
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode
  const mask = masked ? randomBytes(4) : Buffer.alloc(0)
  const bytes = masked ? body.map((byte, index) => byte ^ (mask[index % 4] as number)) : body
  const head = Buffer.alloc(said < 126n ? 2 : said < 65_536n ? 4 : 10)
  head[0] = first
  head[1] = mark | (said < 126n ? Number(said) : said < 65_536n ? 126 : 127)
  if (head.length === 4) head.writeUInt16BE(Number(said), 2)
  if (head.length === 10) head.writeBigUInt64BE(said, 2)
  return Buffer.concat([head, mask, bytes])
}

export function handshake(path: string, headers: Record<string, string | undefined> = {}): string {
  const all: Record<string, string | undefined> = {
    Host: 'localhost',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
    'Sec-WebSocket-Protocol': 'signalbox.v1',
    ...headers,
  }
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}: ${value}\r\n`,
  )
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** A peer that says whatever bytes it likes over TCP, and keeps what comes back. */
export class RawPeer {
  readonly socket: Socket
  readonly ended: Promise<void>
  readonly #waiting = new Set<() => void>()
  #received = Buffer.alloc(0)
  hasEnded = false

  constructor(origin: string) {
    const { hostname, port } = new URL(origin)
    this.socket = connect(Number(port), hostname)
    this.socket.on('data', (data: Buffer) => {
      this.#received = Buffer.concat([this.#received, data])
      this.#wake()
    })
    this.socket.on('error', () => {})
    this.ended = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.hasEnded = true
        this.#wake()
        resolve()
      })
    })
  }

  /** One that has upgraded, with these credentials if any, and has been greeted. */
  static async upgraded(origin: string, token?: string): Promise<RawPeer> {
    const peer = new RawPeer(origin)
    const authorization = token ? `Bearer ${token}` : undefined
    peer.write(handshake('/api/v1/ws', { Authorization: authorization }))
    await peer.until(() => peer.messages.length > 0)
    return peer
  }

  write(bytes: string | Buffer): void {
    if (this.socket.writable) this.socket.write(bytes)
  }

  say(message: object): void {
    this.write(frame(1, JSON.stringify(message)))
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  /** Resolves when it holds, or when the connection has ended. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.hasEnded) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake)
          resolve()
        }
        this.#waiting.add(wake)
      })
    }
  }

  /** All that came, as one character a byte. */
  get text(): string {
    return this.#received.toString('latin1')
  }

  get bytes(): number {
    return this.#received.length
  }

  /** Of the answers' heads. */
  get statuses(): number[] {
    return [...this.text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
  }

  get messages(): Record<string, unknown>[] {
    return this.#frames().flatMap(({ opcode, payload }) =>
      opcode === 1 ? [JSON.parse(payload.toString())] : [],
    )
  }

  get pongs(): number {
    return this.#frames().filter(({ opcode }) => opcode === 10).length
  }

  get closeCode(): number | undefined {
    const close = this.#frames().find(({ opcode }) => opcode === 8)
    return close && codeOf(close)
  }

  #frames(): { opcode: number; payload: Buffer }[] {
    const frames: { opcode: number; payload: Buffer }[] = []
    const head = this.#received.indexOf('\r\n\r\n')
    let rest = head < 0 ? Buffer.alloc(0) : this.#received.subarray(head + 4)
    while (rest.length >= 2) {
      const short = (rest[1] as number) & 0x7f
      const start = short < 126 ? 2 : short === 126 ? 4 : 10
      if (rest.length < start) break
      const length =
        short < 126 ? short : short === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2))
      if (rest.length < start + length) break
      frames.push({ opcode: (rest[0] as number) & 0x0f, payload: rest.subarray(start, start + length) })
      rest = rest.subarray(start + length)
    }
    return frames
  }
}

/** The status code of a close frame; undefined for one without a code, and for any other frame. */
export function codeOf({
  opcode,
  payload,
}: {
  opcode: number
  payload: string | Buffer
}): number | undefined {
  const bytes = Buffer.from(payload)
  return opcode === 8 && bytes.length >= 2 ? bytes.readUInt16BE() : undefined
}

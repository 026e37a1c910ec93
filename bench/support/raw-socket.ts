import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

const MASK = Buffer.from([1, 2, 3, 4])

/** A masked text frame, as a client sends it. */
export function clientFrame(text: string): Buffer {
  const payload = Buffer.from(text)
  const extended = payload.length < 126 ? 0 : 2
  const header = Buffer.alloc(2 + extended + 4)
  header[0] = 0x81
  header[1] = 0x80 | (extended === 0 ? payload.length : 126)
  if (extended === 2) header.writeUInt16BE(payload.length, 2)
  MASK.copy(header, 2 + extended)
  for (let index = 0; index < payload.length; index++) {
    payload[index] = (payload[index] as number) ^ (MASK[index % 4] as number)
  }
  return Buffer.concat([header, payload])
}

type Options = {
  port: number
  path: string
  headers?: Record<string, string>
  /** A whole text frame: where it lies in the buffer. */
  onText: (buffer: Buffer, start: number, end: number) => void
}

/** A WebSocket client over bare TCP, as cheap as one can be: it is not what is measured. */
export class RawSocket {
  readonly socket: Socket
  readonly #onText: Options['onText']
  #rest: Buffer | undefined
  #isOpen = false
  readonly opened: Promise<void>
  #open: () => void = () => {}

  constructor({ port, path, headers = {}, onText }: Options) {
    this.#onText = onText
    this.opened = new Promise((resolve) => {
      this.#open = resolve
    })
    this.socket = connect(port, '127.0.0.1')
    this.socket.setNoDelay(true)
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    this.socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n${lines.join('')}\r\n`,
    )
    this.socket.on('data', (data) => this.#take(data))
    this.socket.on('error', () => {})
  }

  send(text: string): void {
    this.socket.write(clientFrame(text))
  }

  #take(data: Buffer): void {
    let buffer = this.#rest ? Buffer.concat([this.#rest, data]) : data
    this.#rest = undefined
    if (!this.#isOpen) {
      const end = buffer.indexOf('\r\n\r\n')
      if (end < 0) {
        this.#rest = buffer
        return
      }
      if (!buffer.subarray(0, 12).toString().startsWith('HTTP/1.1 101')) {
        throw new Error(`no upgrade: ${buffer.subarray(0, 200).toString()}`)
      }
      this.#isOpen = true
      this.#open()
      buffer = buffer.subarray(end + 4)
    }
    let position = 0
    while (buffer.length - position >= 2) {
      const short = (buffer[position + 1] as number) & 0x7f
      const header = short < 126 ? 2 : short === 126 ? 4 : 10
      if (buffer.length - position < header) break
      const length =
        short < 126
          ? short
          : short === 126
            ? buffer.readUInt16BE(position + 2)
            : Number(buffer.readBigUInt64BE(position + 2))
      const start = position + header
      if (buffer.length < start + length) break
      const opcode = (buffer[position] as number) & 0x0f
      if (opcode === 1) this.#onText(buffer, start, start + length)
      else if (opcode === 9) this.socket.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0]))
      position = start + length
    }
    if (position < buffer.length) this.#rest = buffer.subarray(position)
  }

  end(): void {
    this.socket.destroy()
  }
}

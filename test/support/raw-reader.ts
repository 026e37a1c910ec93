import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

/** A WebSocket client over bare TCP, which reads only when it is told to: for what a real library hides. */
export class RawReader {
  readonly socket: Socket
  #buffer: Buffer = Buffer.alloc(0)
  #isOpen = false
  readonly #onText: (text: string) => void
  closeCode: number | undefined
  readonly ended: Promise<void>

  constructor(url: string, token: string, onText: (text: string) => void) {
    const { hostname, port, pathname, host } = new URL(url)
    this.#onText = onText
    this.socket = connect(Number(port), hostname)
    const key = randomBytes(16).toString('base64')
    this.socket.write(
      `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: signalbox.v1\r\n` +
        `Authorization: Bearer ${token}\r\n\r\n`,
    )
    this.socket.on('data', (data) => this.#take(data))
    this.socket.on('error', () => {})
    this.ended = new Promise((resolve) => this.socket.on('close', () => resolve()))
  }

  /** Sends a masked text frame of less than 126 bytes. */
  send(message: object): void {
    const payload = Buffer.from(JSON.stringify(message))
    const mask = randomBytes(4)
    const masked = payload.map((byte, index) => byte ^ (mask[index % 4] as number))
    this.socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | payload.length]), mask, masked]))
  }

  #take(data: Buffer): void {
    this.#buffer = this.#buffer.length > 0 ? Buffer.concat([this.#buffer, data]) : data
    if (!this.#isOpen) {
      const end = this.#buffer.indexOf('\r\n\r\n')
      if (end < 0) return
      this.#isOpen = true
      this.#buffer = this.#buffer.subarray(end + 4)
    }
    for (let frame = this.#shift(); frame; frame = this.#shift()) {
      if (frame.opcode === 1) this.#onText(frame.payload.toString())
      if (frame.opcode === 8) this.closeCode = frame.payload.readUInt16BE(0)
    }
  }

  #shift(): { opcode: number; payload: Buffer } | undefined {
    const buffer = this.#buffer
    if (buffer.length < 2) return undefined
    const short = (buffer[1] as number) & 0x7f
    const header = short < 126 ? 2 : short === 126 ? 4 : 10
    if (buffer.length < header) return undefined
    const length =
      short < 126 ? short : short === 126 ? buffer.readUInt16BE(2) : Number(buffer.readBigUInt64BE(2))
    if (buffer.length < header + length) return undefined
    this.#buffer = buffer.subarray(header + length)
    return { opcode: (buffer[0] as number) & 0x0f, payload: buffer.subarray(header, header + length) }
  }
}

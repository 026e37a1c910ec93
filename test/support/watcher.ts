import * as v from 'valibot'
import WebSocket from 'ws'
import type { ServerMessage } from '#src/protocol/messages/down.ts'
import { serverMessages } from '#src/protocol/messages/down.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'

export type Frame = (ServerMessage | EventFrame) & Record<string, unknown>
type Options = { token?: string | undefined; protocols?: string[]; headers?: Record<string, string> }

/**
 * A WebSocket client that keeps every frame and lets a test wait for the next that it cares about. A frame that is not
 * of the contract fails the wait.
 */
export class Watcher {
  readonly socket: WebSocket
  readonly frames: Frame[] = []
  readonly closed: Promise<number>
  #seen = 0
  #foreign: string | undefined
  readonly #waiting = new Set<() => void>()

  constructor(url: string, { token, protocols = ['signalbox.v1'], headers = {} }: Options = {}) {
    const authorization = token ? { authorization: `Bearer ${token}` } : {}
    this.socket = new WebSocket(url, protocols, { headers: { ...headers, ...authorization } })
    this.socket.on('message', (data) => {
      const frame = JSON.parse(data.toString()) as Frame
      const { issues } = v.safeParse(serverMessages[frame.type], frame)
      if (issues) this.#foreign ??= `${issues.map(({ message }) => message).join('; ')} in ${data}`
      this.frames.push(frame)
      this.#wake()
    })
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code) => {
        resolve(code)
        this.#wake()
      })
    })
    this.socket.on('error', () => {})
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  send(message: object | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message))
  }

  /** The next frame not yet taken that matches; those before it are passed over. Fails when the socket closes. */
  async next(matches: string | ((frame: Frame) => boolean)): Promise<Frame> {
    const test = typeof matches === 'string' ? (frame: Frame) => frame.type === matches : matches
    for (;;) {
      if (this.#foreign) throw new Error(`not of the contract: ${this.#foreign}`)
      while (this.#seen < this.frames.length) {
        const frame = this.frames[this.#seen++] as Frame
        if (test(frame)) return frame
      }
      if (this.socket.readyState >= WebSocket.CLOSING) throw new Error(`closed while waiting for ${matches}`)
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake)
          resolve()
        }
        this.#waiting.add(wake)
      })
    }
  }

  /** Waits until something holds: resolves with nothing then, with the code when it closes, or with `late`. */
  async until(condition: () => boolean, timeout_ms: number): Promise<number | 'late' | undefined> {
    const last = Date.now() + timeout_ms
    while (!condition()) {
      if (this.socket.readyState === WebSocket.CLOSED) return this.closed
      if (Date.now() >= last) return 'late'
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => wake(), last - Date.now())
        const wake = () => {
          clearTimeout(timer)
          this.#waiting.delete(wake)
          resolve()
        }
        this.#waiting.add(wake)
      })
    }
    return undefined
  }

  async ask(message: object, type: string): Promise<Frame> {
    this.send(message)
    return this.next(type)
  }

  events(): EventFrame[] {
    return this.frames.filter((frame): frame is Frame & EventFrame => frame.type === 'event')
  }

  close(): Promise<number> {
    this.socket.close()
    return this.closed
  }
}

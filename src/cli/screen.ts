import type { WriteStream } from 'node:tty'

export type Terminal = Pick<WriteStream, 'write' | 'rows'>

/** The other screen, without a cursor, and cutting off what is too long for a line instead of going on below. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l'
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l'
/** No eye sees more. */
const FRAME_MS = 100

/** A screen of a terminal that is drawn over and over; what was there before comes back at the end. */
export class Screen {
  readonly #terminal: Terminal
  readonly #render: (height: number) => readonly string[]
  #next: NodeJS.Timeout | undefined
  #painted_at = 0

  constructor(terminal: Terminal, render: (height: number) => readonly string[]) {
    this.#terminal = terminal
    this.#render = render
    terminal.write(ENTER)
  }

  /** Soon: changes that come close together are one picture. */
  refresh(): void {
    const wait_ms = Math.max(0, this.#painted_at + FRAME_MS - Date.now())
    this.#next ??= setTimeout(() => this.paint(), wait_ms)
  }

  paint(): void {
    this.#cancel()
    this.#painted_at = Date.now()
    const { rows: height } = this.#terminal
    const lines = this.#render(height).slice(0, height)
    this.#terminal.write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`)
  }

  close(): void {
    this.#cancel()
    this.#terminal.write(LEAVE)
  }

  #cancel(): void {
    clearTimeout(this.#next)
    this.#next = undefined
  }
}

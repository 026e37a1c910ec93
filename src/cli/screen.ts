import type { WriteStream } from 'node:tty'

export type Terminal = Pick<WriteStream, 'write' | 'rows'>

/** The alternate screen, without a cursor and without line wrap. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l'
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l'
/** Ten pictures a second. */
const FRAME_MS = 100

/** Draws a full screen of a terminal; `close` restores what was there before. */
export class Screen {
  readonly #terminal: Terminal
  readonly #render: (height: number) => readonly string[]
  #next: NodeJS.Timeout | undefined
  #paintedAt = 0

  constructor(terminal: Terminal, render: (height: number) => readonly string[]) {
    this.#terminal = terminal
    this.#render = render
    terminal.write(ENTER)
  }

  /** Draws soon, so that close changes share one picture. */
  refresh(): void {
    const waitMs = Math.max(0, this.#paintedAt + FRAME_MS - Date.now())
    this.#next ??= setTimeout(() => this.paint(), waitMs)
  }

  paint(): void {
    this.#cancel()
    this.#paintedAt = Date.now()
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

const WIDTH = 30

type Stream = { write(text: string): unknown; isTTY?: boolean }

/** A bar on stderr, where that is a terminal; in a file or a pipe there is none. */
export class Progress {
  readonly #label: string
  readonly #terminal: Stream | undefined

  constructor(label: string, stream: Stream = process.stderr) {
    this.#label = label
    this.#terminal = stream.isTTY ? stream : undefined
  }

  show(done: number, total: number): void {
    const filled = total === 0 ? WIDTH : Math.round((Math.min(done, total) / total) * WIDTH)
    const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled)
    this.#terminal?.write(`\r\x1b[K${this.#label} ${bar} ${done}/${total}`)
  }

  /** The bar is gone; what comes next begins its own line. */
  end(): void {
    this.#terminal?.write('\r\x1b[K')
  }
}

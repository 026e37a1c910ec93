import { drawBar } from './text.ts'

const WIDTH = 30

type Stream = { write(text: string): unknown; isTTY?: boolean }

/** A progress bar on stderr, if that is a terminal. */
export class Progress {
  readonly #label: string
  readonly #terminal: Stream | undefined

  constructor(label: string, stream: Stream = process.stderr) {
    this.#label = label
    this.#terminal = stream.isTTY ? stream : undefined
  }

  show(done: number, total: number): void {
    const filled = total === 0 ? WIDTH : Math.round((Math.min(done, total) / total) * WIDTH)
    const bar = drawBar(filled, WIDTH)
    this.#terminal?.write(`\r\x1b[K${this.#label} ${bar} ${done}/${total}`)
  }

  /** Removes the bar. */
  end(): void {
    this.#terminal?.write('\r\x1b[K')
  }
}

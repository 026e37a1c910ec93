import type { ChildProcess } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { stripVTControlCharacters } from 'node:util'
import { toLine } from '../text.ts'

/** Kept of a line that has not ended, such as a progress bar; what is before is lost. */
const MAX_PENDING = 4_096
const TELL_EVERY_MS = 1_000
/** Shown of a line. */
const MAX_SHOWN = 500

/** The newest line of a program's output that is not empty. A carriage return begins a line, too. */
export class LastLine {
  readonly #decoder = new StringDecoder('utf8')
  #pending = ''
  #newest = ''

  add(chunk: Buffer): void {
    // Of a large chunk, only its end can hold the newest line.
    const text = this.#pending + this.#decoder.write(chunk)
    const lines = text.slice(-2 * MAX_PENDING).split(/[\r\n]+/)
    this.#pending = (lines.at(-1) ?? '').slice(-MAX_PENDING)
    const shown = lines.map(toShown).findLast((line) => line !== '')
    if (shown !== undefined) this.#newest = shown
  }

  get text(): string {
    return this.#newest
  }

  /** Passes a program's output through, and tells its last line when it has changed. Resolves when the output has ended. */
  async follow({ stdout, stderr }: ChildProcess, tell: (line: string) => void): Promise<void> {
    if (!stdout || !stderr) return
    let told = ''
    const timer = setInterval(() => {
      if (this.#newest !== told) tell(this.#newest)
      told = this.#newest
    }, TELL_EVERY_MS)
    const add = (chunk: Buffer) => this.add(chunk)
    const outputs = [
      { from: stdout, to: process.stdout },
      { from: stderr, to: process.stderr },
    ]
    await Promise.all(outputs.map((output) => passThrough(output, add)))
    clearInterval(timer)
  }
}

function toShown(line: string): string {
  return [...toLine(stripVTControlCharacters(line)).trim()].slice(0, MAX_SHOWN).join('')
}

/** Byte for byte, and no faster than it is read. Resolves at the end. */
function passThrough(
  { from, to }: { from: Readable; to: Writable },
  onData: (chunk: Buffer) => void,
): Promise<void> {
  from.on('data', onData)
  from.pipe(to, { end: false })
  // The reader is gone, so the program gets a SIGPIPE, as it would without Signalbox.
  const stop = () => from.destroy()
  to.on('error', stop)
  return new Promise((resolve) =>
    from.once('close', () => {
      to.off('error', stop)
      resolve()
    }),
  )
}

import { writeSync, write as writeTo } from 'node:fs'
import { type Logger, pino } from 'pino'
import type { LogFormat, LogLevel } from '#src/config/config.ts'
import { toLogText } from './log-text.ts'

/** Bytes of waiting lines; beyond it the server drops and counts new lines. */
const MAX_WAITING_BYTES = 1_048_576
/** The most that one write takes, unless a single line is longer. */
const MAX_WRITE_BYTES = 65_536
/** The wait before the next attempt at a full pipe. */
const FULL_PIPE_MS = 100
/** The longest wait for the last lines at the end of the process. */
const LAST_LINES_MS = 500

const NEWLINE = 0x0a

/** The lines lost since the last successful write. */
export type LogGap = { lines: number; reason: string }

/**
 * Writes log lines to a file descriptor, one write at a time, off the event loop. The loss of a line never stops a server:
 * when the disk is full or the reader is gone, the lines of a failed write are dropped; when the reader is slow, lines
 * wait up to a bound. `process.stdout` would write to files on the event loop, and pino's own destination repeats a
 * failed write for ever at an exit.
 */
export class LogOutput {
  /** Lines that were dropped since the start of the process. */
  dropped = 0
  readonly #fd: number
  readonly #onWritable: (gap: LogGap) => void
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #isWriting = false
  /** A write failed in the middle of a line, so the next write begins with a line end. */
  #isTorn = false
  #gap: LogGap | undefined
  readonly #idle = new Set<() => void>()

  /** `onWritable` is called after lines were lost, once a write succeeds again. */
  constructor(fd: number, onWritable: (gap: LogGap) => void) {
    this.#fd = fd
    this.#onWritable = onWritable
  }

  write(text: string): void {
    const line = Buffer.from(text)
    if (this.#waitingBytes + line.length > MAX_WAITING_BYTES) return this.#drop(1, 'the reader is too slow')
    this.#waiting.push(line)
    this.#waitingBytes += line.length
    if (!this.#isWriting) this.#writeNext()
  }

  /** Resolves when all lines are written or dropped, or after 500 ms. */
  async flush(): Promise<void> {
    if (!this.#isWriting) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const late = setTimeout(resolve, LAST_LINES_MS)
    this.#idle.add(resolve)
    await promise
    clearTimeout(late)
    this.#idle.delete(resolve)
  }

  /** Makes one attempt, for a process that is ending. */
  flushNow(): void {
    if (this.#waiting.length === 0) return
    try {
      writeSync(this.#fd, Buffer.concat(this.#waiting.splice(0)))
    } catch {
      // The process is ending, so the failure has no reader.
    }
  }

  #writeNext(): void {
    const chunk = this.#takeChunk()
    this.#isWriting = chunk !== undefined
    if (chunk) return this.#write(chunk)
    for (const resolve of this.#idle) resolve()
  }

  #takeChunk(): Buffer | undefined {
    let bytes = 0
    let count = 0
    for (const line of this.#waiting) {
      if (count > 0 && bytes + line.length > MAX_WRITE_BYTES) break
      bytes += line.length
      count++
    }
    if (count === 0) return undefined
    this.#waitingBytes -= bytes
    const lines = this.#waiting.splice(0, count)
    return Buffer.concat(this.#isTorn ? [Buffer.from('\n'), ...lines] : lines)
  }

  #write(chunk: Buffer): void {
    writeTo(this.#fd, chunk, (error, written) => {
      if (error) return this.#failed(chunk, error)
      this.#isTorn = chunk[written - 1] !== NEWLINE
      if (written < chunk.length) return this.#write(chunk.subarray(written))
      const gap = this.#gap
      this.#gap = undefined
      if (gap) this.#onWritable(gap)
      this.#writeNext()
    })
  }

  #failed(chunk: Buffer, { code = 'unknown' }: NodeJS.ErrnoException): void {
    if (code === 'EAGAIN') {
      // Does not keep the process alive: `flush` has its own timer.
      setTimeout(() => this.#write(chunk), FULL_PIPE_MS).unref()
      return
    }
    this.#drop(countLines(chunk), code)
    this.#writeNext()
  }

  #drop(lines: number, reason: string): void {
    this.dropped += lines
    this.#gap = { lines: (this.#gap?.lines ?? 0) + lines, reason }
  }
}

function countLines(chunk: Buffer): number {
  let lines = 0
  for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, at + 1)) lines++
  return lines
}

export type LogSettings = { level: LogLevel | undefined; format: LogFormat | undefined }

/** The log of a process, on its stdout: for people on a terminal, else for programs. */
export function createLog({ level, format }: LogSettings): {
  log: Logger
  output: LogOutput
  format: LogFormat
} {
  // Reading `process.stdout` makes a pipe non-blocking, so that a stalled reader blocks no thread and no exit.
  const { fd, isTTY } = process.stdout
  const chosen = format ?? (isTTY ? 'text' : 'json')
  const output = new LogOutput(fd, (gap) => log.warn(gap, 'log lines were dropped'))
  process.once('exit', () => output.flushNow())
  const asText = { write: (line: string) => output.write(toLogText(line)) }
  const log =
    chosen === 'text'
      ? pino({ level: level ?? 'warn', base: null }, asText)
      : pino({ level: level ?? 'info', base: null }, output)
  return { log, output, format: chosen }
}

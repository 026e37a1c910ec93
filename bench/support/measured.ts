import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { findInPath } from '../../test/support/services.ts'

const TICKS_A_SECOND = 100

/** CPU seconds that a process has used, in user and system mode together. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND
}

/** CPU seconds of all its child processes that have ended, together. */
export function endedChildrenSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[13]) + Number(fields[14])) / TICKS_A_SECOND
}

/** Resident memory of a process in bytes. */
export function residentBytes(pid: number): number {
  const status = existsSync(`/proc/${pid}/status`) ? readFileSync(`/proc/${pid}/status`, 'utf8') : ''
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024
}

/** The pid of the Redis server at a port, found by asking it. */
export async function redisPid(redis: { info: (section: string) => Promise<string> }): Promise<number> {
  return Number(/process_id:(\d+)/.exec(await redis.info('server'))?.[1])
}

type Command = {
  command: string
  args: readonly string[]
  env?: Record<string, string>
  /** A line that it prints once it is ready, with its port; or the port that it was given, and a path that answers. */
  ready: RegExp | { port: number; path: string }
  isPinned?: boolean
}

/** Whatever becomes of a bench, it leaves no server behind. */
const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

/**
 * A server that is measured: alone on the first core, where `taskset` is there to put it. That suits CPU seconds. Where delays
 * count it must not be pinned, since its own helper threads would then take turns with it.
 */
export class Measured {
  readonly #child: ChildProcess
  #isStopping = false
  /** What `ready` captured. */
  readonly port: number

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
  }

  static async start({ command, args, env = {}, ready, isPinned = true }: Command): Promise<Measured> {
    const pinned =
      isPinned && findInPath('taskset') ? ['taskset', '-c', '0', command, ...args] : [command, ...args]
    const [file = command, ...rest] = pinned
    const child = spawn(file, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, ...env },
    })
    children.add(child)
    child.once('exit', () => children.delete(child))
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        const port = ready instanceof RegExp && ready.exec(line)?.[1]
        if (port) resolve(Number(port))
        else if (process.env.BENCH_LOG) console.error(line)
      })
    }
    if (!(ready instanceof RegExp)) void answers(ready, child).then(() => resolve(ready.port))
    const onEarlyExit = (code: number | null) =>
      reject(new Error(`${command} ended with ${code} before it was ready`))
    child.once('exit', onEarlyExit)
    const measured = new Measured(child, await promise)
    child.off('exit', onEarlyExit)
    // What waits for its answers would wait for ever.
    child.once('exit', (code) => {
      if (measured.#isStopping) return
      console.error(`${command} ended with ${code} while it was measured (BENCH_LOG=1 shows what it says)`)
      process.exit(1)
    })
    return measured
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    if (this.#child.exitCode === null && this.#child.kill('SIGKILL')) await ended
  }
}

async function answers({ port, path }: { port: number; path: string }, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined)
    if (response?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** The other core is for the load: this very process. */
export function pinSelf(): void {
  if (findInPath('taskset')) spawn('taskset', ['-cp', '1', String(process.pid)], { stdio: 'ignore' })
}

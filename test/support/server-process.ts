import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { admin } from './backends.ts'
import { compileCache } from './compile-cache.ts'

const here = fileURLToPath(new URL('../..', import.meta.url))

/** As `npm start` has them: garbage is collected early, so that memory stays near what is in use. */
const heapFlags = ['--max-semi-space-size=16', '--max-old-space-size=1024']

/** A whole server in a process of its own, to be killed. */
export class ServerProcess {
  readonly child: ChildProcess
  readonly origin: string
  readonly exited: Promise<number | null>
  /** What it has logged as an error, and as a warning. */
  readonly errors: string[]
  readonly warnings: string[]

  private constructor(
    child: ChildProcess,
    origin: string,
    logged: Pick<ServerProcess, 'errors' | 'warnings'>,
  ) {
    this.child = child
    this.origin = origin
    this.errors = logged.errors
    this.warnings = logged.warnings
    this.exited = new Promise((resolve) => child.once('exit', (code) => resolve(code)))
  }

  /** Resolves when it listens. `PORT` 0 takes any. `folder`: where the source is that it runs. */
  static async start(env: Record<string, string>, folder = here): Promise<ServerProcess> {
    const child = spawn(process.execPath, [...heapFlags, join(folder, 'src/main.ts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        PATH: process.env.PATH,
        ...compileCache,
        PORT: '0',
        SECRET_KEY: 'a secret key for tests, of a good length',
        ADMIN_EMAIL: admin.email,
        ADMIN_PASSWORD: admin.password,
        RATE_LIMIT_MULTIPLIER: '100000',
        ...env,
      },
    })
    const errors: string[] = []
    const warnings: string[] = []
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
    const origin = await new Promise<string>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the server ended with ${code} before it listened`)))
      // Read on to the end, so that the server never waits for its log to be read.
      lines.on('line', (line) => {
        const url = /"url":"([^"]+)"/.exec(line)?.[1]
        if (url) resolve(url)
        if (/"level":[56]0/.test(line)) errors.push(line)
        if (/"level":40/.test(line)) warnings.push(line)
        if (process.env.TEST_LOG) console.log(line)
      })
    })
    return new ServerProcess(child, origin, { errors, warnings })
  }

  get ws(): string {
    return `${this.origin.replace('http', 'ws')}/api/v1/ws`
  }

  /** Resident memory in bytes. */
  memory(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024
  }

  /** The value of a metric without labels. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.origin}/metrics`)).text()
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal)
    return this.exited
  }
}

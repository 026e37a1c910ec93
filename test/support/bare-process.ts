import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'
import { compileCache } from './compile-cache.ts'
import { createTestDatabase } from './databases.ts'

export const serverMain = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
export const demoMain = fileURLToPath(new URL('../../src/demo/main.ts', import.meta.url))

export type Ending = { code: number | null; signal: NodeJS.Signals | null }

const WAIT_MS = 50_000

/** A process whose start may fail or be ended: what it prints, and how it ends. */
export class BareProcess {
  static readonly #running = new Set<BareProcess>()
  readonly child: ChildProcess
  readonly exited: Promise<Ending>
  stdout = ''
  stderr = ''

  private constructor(child: ChildProcess) {
    this.child = child
    this.exited = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        BareProcess.#running.delete(this)
        resolve({ code, signal })
      })
    })
    child.stdout?.on('data', (data: Buffer) => {
      this.stdout += data
    })
    child.stderr?.on('data', (data: Buffer) => {
      this.stderr += data
    })
    BareProcess.#running.add(this)
  }

  static run(
    command: readonly [string, ...string[]],
    env: Record<string, string> = {},
    where: { cwd?: string; uid?: number } = {},
  ): BareProcess {
    const [program, ...args] = command
    return new BareProcess(
      spawn(program, args, {
        ...where,
        env: { PATH: process.env.PATH, ...compileCache, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    )
  }

  /** A server, with any port unless `env` names one. */
  static server(env: Record<string, string>): BareProcess {
    return BareProcess.run([process.execPath, serverMain], { PORT: '0', ...env })
  }

  /** Ends what a failed test has left. */
  static async killAll(): Promise<void> {
    await Promise.all([...BareProcess.#running].map((one) => one.end('SIGKILL')))
  }

  /** Resolves with the first match in what it has printed. */
  async printed(pattern: RegExp, from: 'stdout' | 'stderr' = 'stdout'): Promise<RegExpExecArray> {
    const source = this.child[from]
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>()
    const seen = () => `; last seen:\n${this[from].slice(-1_000)}\n${this.stderr.slice(-1_000)}`
    const look = () => {
      const match = pattern.exec(this[from])
      if (match) resolve(match)
    }
    const late = setTimeout(() => reject(new Error(`timed out waiting for ${pattern}${seen()}`)), WAIT_MS)
    source?.on('data', look)
    this.exited.then(() => reject(new Error(`it ended before it printed ${pattern}${seen()}`)))
    look()
    try {
      return await promise
    } finally {
      clearTimeout(late)
      source?.off('data', look)
    }
  }

  /** Where it listens, once it does. */
  async origin(): Promise<string> {
    return (await this.printed(/"url":"([^"]+)"/))[1] ?? ''
  }

  end(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ending> {
    this.child.kill(signal)
    return this.exited
  }
}

/** A migrated database for servers of a test: on PostgreSQL where there is one, since it starts sooner. */
export async function databaseVariables(): Promise<Record<string, string>> {
  const { databaseUrl } = inject('services')
  if (!databaseUrl) return { DATA_DIR: 'memory://' }
  const SECRET_KEY = 'a secret key for tests, of a good length'
  return { DATABASE_URL: await createTestDatabase(databaseUrl, inject('run')), SECRET_KEY }
}

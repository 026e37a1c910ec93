import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { freePort, portAnswers, untilAnswers } from './services.ts'

/** For `describe.skipIf`: the global set-up says in its summary what was not run. */
export const isPgBouncerMissing = inject('programs').pgbouncer === undefined

const NOBODY = 65_534
export type PoolMode = 'session' | 'transaction'

/** Debian's PgBouncer as it is configured there, before the server of a database; in transaction mode with few sessions. */
export class PgBouncer {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly port: number

  private constructor(child: ChildProcess, folder: string, port: number) {
    this.#child = child
    this.#folder = folder
    this.port = port
  }

  static async before(url: string, mode: PoolMode): Promise<PgBouncer> {
    const { hostname, port: server_port, username } = new URL(url)
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-pgbouncer-'))
    chmodSync(folder, 0o755)
    const port = await freePort()
    const settings = {
      listen_addr: '127.0.0.1',
      listen_port: port,
      unix_socket_dir: '',
      auth_type: 'any',
      pool_mode: mode,
      default_pool_size: mode === 'session' ? 30 : 4,
    }
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
    const file = join(folder, 'pgbouncer.ini')
    const database = `* = host=${hostname} port=${server_port} user=${username}`
    writeFileSync(file, ['[databases]', database, '[pgbouncer]', ...lines, ''].join('\n'))
    // It refuses to run as root.
    const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
    const child = spawn(inject('programs').pgbouncer ?? '', [file], { stdio: 'ignore', ...user })
    await untilAnswers(() => portAnswers(port))
    return new PgBouncer(child, folder, port)
  }

  /** The same URL, through it. */
  through(url: string): string {
    const result = new URL(url)
    result.hostname = '127.0.0.1'
    result.port = String(this.port)
    return result.href
  }

  async end(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    if (this.#child.exitCode === null && this.#child.kill('SIGTERM')) await gone
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { chown } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { withServer } from './databases.ts'
import { findPostgresProgram, freePort, untilAnswers } from './services.ts'
import { TcpProxy } from './tcp-proxy.ts'

const run = promisify(execFile)
const NOBODY = 65_534
/** PostgreSQL refuses to run as root. */
const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
const settings = ['listen_addresses=127.0.0.1', 'fsync=off', 'shared_buffers=16MB']

const [initdb, basebackup, postgres] = ['initdb', 'pg_basebackup', 'postgres'].map(findPostgresProgram)
export const isStandbyMissing = !initdb || !basebackup || !postgres

type Server = { process: ChildProcess; url: string }

/** A primary PostgreSQL of its own, and a standby that follows it asynchronously. */
export class PostgresPair {
  readonly primary: Server
  readonly standby: Server
  readonly #replication: TcpProxy
  readonly #folder: string

  private constructor(
    { primary, standby }: { primary: Server; standby: Server },
    replication: TcpProxy,
    folder: string,
  ) {
    this.primary = primary
    this.standby = standby
    this.#replication = replication
    this.#folder = folder
  }

  static async start(): Promise<PostgresPair> {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-pair-'))
    if ('uid' in user) await chown(folder, NOBODY, NOBODY)
    const options = { ...user, cwd: folder }
    const init = ['-D', join(folder, 'primary'), '-U', 'postgres', '-A', 'trust', '--no-sync']
    await run(initdb ?? '', init, options)
    const primary = await startServer(folder, 'primary')
    const replication = await TcpProxy.to(primary.url)
    const from = ['-h', '127.0.0.1', '-p', String(replication.port), '-U', 'postgres']
    const copy = ['-D', join(folder, 'standby'), '--write-recovery-conf', '--checkpoint=fast', '--no-sync']
    await run(basebackup ?? '', [...from, ...copy], options)
    return new PostgresPair({ primary, standby: await startServer(folder, 'standby') }, replication, folder)
  }

  /** Resolves once the standby has everything that the primary has committed. */
  async catchUp(): Promise<void> {
    const [row] = await ask(this.primary.url, 'select pg_current_wal_lsn() as place')
    const isThere = `select pg_last_wal_replay_lsn() >= '${row?.place}'::pg_lsn as there`
    await untilAnswers(async () => (await ask(this.standby.url, isThere))[0]?.there === true)
  }

  /** What the primary commits from now on does not reach the standby. */
  stopReplication(): void {
    this.#replication.cut()
  }

  async promote(): Promise<void> {
    await ask(this.standby.url, 'select pg_promote()')
  }

  async close(): Promise<void> {
    await this.#replication.close()
    for (const { process } of [this.standby, this.primary]) {
      const gone = new Promise((resolve) => process.once('exit', resolve))
      if (process.exitCode === null && process.kill('SIGQUIT')) await gone
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

async function startServer(folder: string, name: string): Promise<Server> {
  const port = await freePort()
  const args = ['-D', join(folder, name), '-p', String(port), '-k', folder]
  const all = [...args, ...settings.flatMap((setting) => ['-c', setting])]
  const server = spawn(postgres ?? '', all, { ...user, cwd: folder, stdio: 'ignore' })
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`
  const answers = () =>
    ask(url, 'select 1').then(
      () => true,
      () => false,
    )
  await untilAnswers(answers)
  return { process: server, url }
}

function ask(url: string, query: string): Promise<Record<string, unknown>[]> {
  return withServer(url, async (client) => (await client.query(query)).rows)
}

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { named, withServer } from './databases.ts'
import { findPostgresProgram } from './services.ts'

const run = promisify(execFile)
const ATTEMPTS = 200

/**
 * A database as it was when the backup was taken: by pg_dump where it is installed, else as a copy by the server. It
 * may be restored under running servers, as often as one likes.
 */
export class Backup {
  readonly #url: string
  readonly #name: string
  readonly #remove: () => void
  readonly #create: (client: pg.Client, name: string) => Promise<unknown>

  private constructor(
    url: string,
    { create, remove }: { create: (client: pg.Client, name: string) => Promise<unknown>; remove: () => void },
  ) {
    this.#url = url
    this.#name = nameOf(url)
    this.#create = create
    this.#remove = remove
  }

  static async take(url: string): Promise<Backup> {
    const [dump, restore] = ['pg_dump', 'pg_restore'].map(findPostgresProgram)
    if (!dump || !restore) return Backup.#copy(url)
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-backup-'))
    const file = join(folder, 'dump')
    await run(dump, ['--format=custom', `--file=${file}`, url])
    return new Backup(url, {
      async create(client, name) {
        await client.query(`create database ${name} template template0`)
        await run(restore, ['--exit-on-error', `--dbname=${named(url, name)}`, file])
      },
      remove: () => rmSync(folder, { recursive: true, force: true }),
    })
  }

  static async #copy(url: string): Promise<Backup> {
    const copy = `${nameOf(url)}_copy`
    await onServer(url, (client) =>
      alone(client, nameOf(url), `create database ${copy} template ${nameOf(url)}`),
    )
    const create = (client: pg.Client, name: string) =>
      client.query(`create database ${name} template ${copy}`)
    return new Backup(url, { create, remove: () => {} })
  }

  /** Puts it in the place of the database in one step; connections to that are ended. */
  async restore(): Promise<void> {
    const [restored, old] = [`${this.#name}_restored`, `${this.#name}_old`]
    await onServer(this.#url, async (client) => {
      await this.#create(client, restored)
      await alone(client, this.#name, `alter database ${this.#name} rename to ${old}`)
      await client.query(`alter database ${restored} rename to ${this.#name}`)
      await client.query(`drop database ${old} with (force)`)
    })
  }

  remove(): void {
    this.#remove()
  }
}

const nameOf = (url: string) => new URL(url).pathname.slice(1)
const onServer = <Result>(url: string, work: (client: pg.Client) => Promise<Result>) =>
  withServer(named(url, 'postgres'), work)

/** Runs what nobody else may be connected for, against servers that come back at once. */
async function alone(client: pg.Client, name: string, statement: string): Promise<void> {
  for (let left = ATTEMPTS; ; left--) {
    await client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name])
    try {
      await client.query(statement)
      return
    } catch (error) {
      // object_in_use
      if (left === 0 || !(error instanceof pg.DatabaseError) || error.code !== '55006') throw error
    }
  }
}

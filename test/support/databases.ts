import pg from 'pg'
import { migrate } from '#src/store/migrate.ts'
import { closeOrm, openOrm } from '#src/store/orm.ts'

export async function withServer<Result>(
  url: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

export function named(url: string, name: string): string {
  const result = new URL(url)
  result.pathname = `/${name}`
  return result.href
}

/** A database of its own without a schema. */
export async function createEmptyDatabase(url: string, run: string): Promise<string> {
  const name = newName(run)
  await withServer(url, async (client) => {
    await client.query(`create database ${name}`)
    await hurry(client, name)
  })
  return named(url, name)
}

/** The data of a test need not outlive the machine, so its commits wait for no disk. */
async function hurry(client: pg.Client, name: string): Promise<void> {
  await client.query(`alter database ${name} set synchronous_commit = off`)
}

const newName = (run: string) => `${prefix(run)}${process.pid}_${Math.random().toString(36).slice(2, 10)}`
const prefix = (run: string) => `signalbox_test_${run}_`
const LOCK = 4_711

/** A migrated database of its own, cloned from a template that the first caller of a run makes. */
export async function createTestDatabase(url: string, run: string): Promise<string> {
  const template = `${prefix(run)}template`
  const name = newName(run)
  await withServer(url, async (client) => {
    await client.query('select pg_advisory_lock($1)', [LOCK])
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [template])
    if (rowCount === 0) {
      await client.query(`create database ${template}`)
      const location = { url: named(url, template), pool_size: 2 }
      const orm = await openOrm(location)
      await migrate(orm, location)
      await closeOrm(orm)
    }
    await client.query(`create database ${name} template ${template}`)
    await hurry(client, name)
  })
  return named(url, name)
}

export async function dropTestDatabases(url: string, run: string): Promise<void> {
  await withServer(url, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      'select datname from pg_database where starts_with(datname, $1)',
      [prefix(run)],
    )
    for (const { datname } of rows) await client.query(`drop database ${datname} with (force)`)
  })
}

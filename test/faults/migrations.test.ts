import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { BareProcess } from '../support/bare-process.ts'
import { createEmptyDatabase, createTestDatabase, withServer } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'

const { databaseUrl: server_url = '' } = inject('services')

/** The third step of the migrations takes 22 s, once. */
const slow_step = `
  create sequence steps;
  create function wait_once() returns event_trigger language plpgsql as $$
    begin
      if nextval('steps') = 3 then perform pg_sleep(22); end if;
    end $$;
  create event trigger slow on ddl_command_start when tag in ('CREATE TABLE') execute function wait_once()`

// Half of the time is the migration's, which has to be longer than any limit of a statement.
describe.skipIf(!server_url)('a migration', { timeout: 120_000 }, () => {
  let env: { DATABASE_URL: string; SECRET_KEY: string }
  beforeEach(async () => {
    const DATABASE_URL = await createEmptyDatabase(server_url, inject('run'))
    env = { DATABASE_URL, SECRET_KEY: 'a secret key for tests, of a good length' }
  })
  afterEach(() => BareProcess.killAll())

  const run = (sql: string) => withServer(env.DATABASE_URL, (client) => client.query(sql))
  const readiness = async (child: BareProcess) => (await fetch(`${await child.origin()}/readyz`)).json()

  it('takes as long as it needs; a second server waits for it, and both say so', async () => {
    await run(slow_step)
    const servers = [BareProcess.server(env), BareProcess.server(env)]
    await Promise.any(servers.map((one) => one.printed(/waiting for the migrations of another process/)))
    await Promise.any(servers.map((one) => one.printed(/migrating the database/)))
    for (const one of servers) expect(await readiness(one)).toMatchObject({ migrations: 'ok' })
  })

  it('whose session is lost ends the start with the reason; the next start does it', async () => {
    await run(slow_step)
    const failed = BareProcess.server(env)
    const end = `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and wait_event = 'PgSleep'`
    await eventually(async () => (await run(end)).rowCount === 1, 50_000)
    expect(await failed.exited).toEqual({ code: 1, signal: null })
    expect(failed.stderr).toMatch(/^Signalbox cannot start: terminating connection [^\n]+\n$/)
    expect(await readiness(BareProcess.server(env))).toMatchObject({ migrations: 'ok' })
  })

  it('lets other sessions use a table that it waits for, and tries again', async () => {
    const DATABASE_URL = await createTestDatabase(server_url, inject('run'))
    await withServer(DATABASE_URL, async (client) => {
      await client.query('begin; lock table mikro_orm_migrations in access exclusive mode')
      const child = BareProcess.server({ ...env, DATABASE_URL })
      await child.printed(/a migration waits for a table that is in use/)
      await client.query('rollback')
      expect(await readiness(child)).toMatchObject({ migrations: 'ok' })
    })
  })
})

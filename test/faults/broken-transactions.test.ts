import { Migration } from '@mikro-orm/migrations'
import type pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import type { App } from '#src/server/app.ts'
import { closeOrm, openOrm } from '#src/store/orm.ts'
import { admin } from '../support/admin.ts'
import { sharedBackends, startApp } from '../support/backends.ts'
import { withServer } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { Rest } from '../support/rest.ts'

const MORE_THAN_THE_POOL = 12

/** Ends the sessions of this database that wait in a statement on `what`; resolves once there was one. */
async function endSessions(client: pg.Client, what: string): Promise<void> {
  await eventually(async () => {
    const { rowCount } = await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and state = 'active' and query like $1
         and wait_event is not null`,
      [`%${what}%`],
    )
    return (rowCount ?? 0) > 0
  })
}

class SlowMigration extends Migration {
  override up(): void {
    this.addSql('select pg_sleep(60)')
  }
}

describe.each(sharedBackends)('sessions that PostgreSQL ends in mid-transaction, on $name', ({ config }) => {
  let app: App | undefined
  afterEach(() => app?.stop())

  it('are a 503 each, and no connection is lost with them', async () => {
    const { databaseUrl = '', ...own } = await config()
    app = await startApp({ ...own, databaseUrl })
    const rest = Rest.of(app)
    const { refresh_token } = (await rest.post<{ refresh_token: string }>('/auth/login', admin)).body
    const refresh = () => rest.post('/auth/refresh', { refresh_token })
    await withServer(databaseUrl, async (client) => {
      await client.query('begin')
      await client.query('select 1 from refresh_tokens for update')
      for (let left = MORE_THAN_THE_POOL; left > 0; left--) {
        const answer = refresh()
        await withServer(databaseUrl, (ender) => endSessions(ender, 'refresh_tokens'))
        expect((await answer).status).toBe(503)
      }
      await client.query('rollback')
    })
    expect((await refresh()).status).toBe(200)
    const { usage } = app.database
    await eventually(async () => usage().open === usage().idle && usage().waiting === 0)
  })

  it('end a migration, whose connections are given back', async () => {
    const { databaseUrl: url = '' } = await config()
    const migrationsList = [{ name: 'slow', class: SlowMigration }]
    const orm = await openOrm({ url, pool_size: 2 }, { migrationsList, snapshot: false })
    const migrated = expect(orm.migrator.up()).rejects.toThrow(/terminating connection|Connection terminated/)
    await withServer(url, (client) => endSessions(client, 'pg_sleep'))
    await migrated
    await closeOrm(orm)
  })
})

import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { sharedBackends, startApp } from '../support/backends.ts'

const others = `select count(*)::int as count from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`

describe.each(sharedBackends)('a server on $name', ({ config }) => {
  it('has closed its connections when it has stopped, whether or not it migrated anything', async () => {
    const own = await config()
    const client = new pg.Client({ connectionString: own.databaseUrl })
    const count = async () => (await client.query<{ count: number }>(others)).rows[0]?.count
    for (const isConnected of [false, true]) {
      const app = await startApp(own)
      await app.listen()
      if (!isConnected) await client.connect()
      expect(await count()).toBeGreaterThan(0)
      await app.stop()
      expect(await count()).toBe(0)
    }
    await client.end()
  })
})

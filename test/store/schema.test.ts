import { readdirSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { App } from '#src/app.ts'
import { hasPendingMigrations } from '#src/store/migrate.ts'
import { migrations } from '../../migrations/index.ts'
import { backends, sharedBackends, startApp } from '../support/backends.ts'
import { Rest } from '../support/rest.ts'

describe('the list of migrations', () => {
  it('has every file of the folder, oldest first', () => {
    const files = readdirSync(new URL('../../migrations', import.meta.url))
    const named = files.filter((file) => file.startsWith('Migration')).map((file) => file.replace('.ts', ''))
    expect(Object.keys(migrations)).toEqual(named.sort())
  })
})

describe.each(backends)('the schema on $name', ({ config }) => {
  let app: App
  beforeAll(async () => {
    app = await startApp(await config())
  })
  afterAll(() => app.stop())

  it('is what the entities say, with every migration applied', async () => {
    expect(await app.orm.schema.getUpdateSchemaSQL({ wrap: false })).toBe('')
    expect(await hasPendingMigrations(app.orm)).toBe(false)
  })
})

describe.each(sharedBackends)('two servers that start together on an empty database of $name', () => {
  let apps: App[] = []
  afterAll(() => Promise.all(apps.map((app) => app.stop())))

  it('migrate it once, and make one superuser', async () => {
    const database_url = await createEmptyDatabase()
    apps = await Promise.all([
      startApp({ database_url }),
      startApp({ database_url }),
      startApp({ database_url }),
    ])
    for (const app of apps) {
      expect(await hasPendingMigrations(app.orm)).toBe(false)
      const rest = await Rest.of(app).signIn()
      const { body } = await rest.get<{ pagination: { total: number } }>('/users')
      expect(body.pagination.total).toBe(1)
    }
    const applied = await apps[0]?.orm.migrator.getExecuted()
    const names = applied?.map(({ name }) => name) ?? []
    expect(names.length).toBeGreaterThan(0)
    expect(new Set(names).size).toBe(names.length)
  })
})

/** Named as the databases of this run are, so that it is dropped with them. */
async function createEmptyDatabase(): Promise<string> {
  const url = new URL(inject('services').database_url ?? '')
  const client = new pg.Client({ connectionString: url.href })
  const name = `signalbox_test_${inject('run')}_${process.pid}_empty`
  await client.connect()
  await client.query(`create database ${name}`)
  await client.end()
  url.pathname = `/${name}`
  return url.href
}

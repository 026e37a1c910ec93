import { readdirSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type AgentField, agentFields } from '#src/domain/agent.ts'
import type { App } from '#src/server/app.ts'
import { statement } from '#src/store/database.ts'
import { readReadiness } from '#src/store/readiness.ts'
import { migrations } from '../../migrations/index.ts'
import { backends, sharedBackends, startApp } from '../support/backends.ts'
import { Rest } from '../support/rest.ts'

const agentColumns = statement(
  'test_agent_columns',
  `select column_name as name, replace(udt_name, 'varchar', 'text') as type from information_schema.columns
   where table_schema = current_schema() and table_name = 'agents'`,
)
const typesOf: Record<AgentField['kind'], string> = {
  uuid: 'uuid',
  text: 'text',
  integer: 'int4',
  count: 'int8',
  money: 'numeric',
  flag: 'bool',
  time: 'timestamptz',
  json: 'jsonb',
}

describe('the list of migrations', () => {
  it('lists every file of the folder, oldest first', () => {
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

  it('equals the entities, with every migration applied', async () => {
    expect(await app.orm.schema.getUpdateSchemaSQL({ wrap: false })).toBe('')
    expect((await readReadiness(app.database)).migrations).toBe('ok')
  })

  it('has a column of the right type for each field of an agent, and no others', async () => {
    const columns = await app.database.run<{ name: string; type: string }>(agentColumns)
    expect(Object.fromEntries(columns.map(({ name, type }) => [name, type]))).toEqual(
      Object.fromEntries(Object.entries(agentFields).map(([name, { kind }]) => [name, typesOf[kind]])),
    )
  })
})

describe.each(sharedBackends)('two servers that start together on an empty database of $name', () => {
  let apps: App[] = []
  afterAll(() => Promise.all(apps.map((app) => app.stop())))

  it('migrate it once, and make one superuser', async () => {
    const databaseUrl = await createEmptyDatabase()
    apps = await Promise.all([
      startApp({ databaseUrl }),
      startApp({ databaseUrl }),
      startApp({ databaseUrl }),
    ])
    for (const app of apps) {
      expect((await readReadiness(app.database)).migrations).toBe('ok')
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
  const url = new URL(inject('services').databaseUrl ?? '')
  const client = new pg.Client({ connectionString: url.href })
  const name = `signalbox_test_${inject('run')}_${process.pid}_empty`
  await client.connect()
  await client.query(`create database ${name}`)
  await client.end()
  url.pathname = `/${name}`
  return url.href
}

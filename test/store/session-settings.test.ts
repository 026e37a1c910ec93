import { afterEach, describe, expect, inject, it } from 'vitest'
import type { Config } from '#src/config/config.ts'
import type { App } from '#src/server/app.ts'
import { statement } from '#src/store/database.ts'
import { closeOrm, openOrm } from '#src/store/orm.ts'
import { createBareServices, sharedBackends, startApp } from '../support/backends.ts'
import { withServer } from '../support/databases.ts'
import { isPgBouncerMissing, PgBouncer, type PoolMode } from '../support/pgbouncer.ts'
import { createFleet, Rest, spawn } from '../support/rest.ts'

/** Each of them changes what a statement or its answer means, or how long it may take. */
const hostile = {
  DateStyle: 'German, DMY',
  IntervalStyle: 'sql_standard',
  TimeZone: 'Asia/Kathmandu',
  client_encoding: 'LATIN1',
  standard_conforming_strings: 'off',
  bytea_output: 'escape',
  extra_float_digits: '-15',
  array_nulls: 'off',
  default_transaction_isolation: 'serializable',
  statement_timeout: '3s',
  lock_timeout: '1ms',
  idle_in_transaction_session_timeout: '1ms',
}
const ours = {
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  client_encoding: 'UTF8',
  standard_conforming_strings: 'on',
  bytea_output: 'hex',
  extra_float_digits: '1',
  array_nulls: 'on',
  transaction_isolation: 'read committed',
  statement_timeout: '14000',
  lock_timeout: '10000',
  idle_in_transaction_session_timeout: '10000',
}
const readSettings = statement(
  'test_settings',
  'select name, setting from pg_settings where name = any($1::text[])',
)

type Way = { name: string; mode?: PoolMode; own: Partial<Config> }
const ways: Way[] = [
  { name: 'PostgreSQL itself', own: {} },
  { name: 'PgBouncer in session mode', mode: 'session', own: {} },
  { name: 'PgBouncer in transaction mode', mode: 'transaction', own: { databasePooler: 'transaction' } },
  { name: 'PostgreSQL itself, taken for a pooler', own: { databasePooler: 'transaction' } },
]
const run = ways.filter(({ mode }) => sharedBackends.length > 0 && !(mode && isPgBouncerMissing))

describe.each(run)('on a database with hostile defaults, through $name', ({ mode, own }) => {
  let app: App | undefined
  let bouncer: PgBouncer | undefined
  let made: { role: string; database: string } | undefined
  afterEach(async () => {
    await app?.stop()
    await bouncer?.end()
    await withServer(inject('services').databaseUrl ?? '', async (client) => {
      if (!made) return
      await client.query(`drop database ${made.database} with (force)`)
      await client.query(`drop role ${made.role}`)
    })
  })

  it('statements mean and return the same as on any database', async () => {
    const services = await createBareServices()
    const url = new URL(services?.databaseUrl ?? '')
    const database = url.pathname.slice(1)
    const role = `hostile_${database.slice(-8)}`
    made = { role, database }
    await withServer(url.href, async (client) => {
      await client.query(`create role ${role} superuser login`)
      for (const [at, [name, value]] of Object.entries(hostile).entries()) {
        const target = at % 2 ? `role ${role}` : `database ${database}`
        await client.query(`alter ${target} set ${name} = '${value}'`)
      }
    })
    url.username = role
    bouncer = mode && (await PgBouncer.before(url.href, mode))
    const databaseUrl = bouncer?.through(url.href) ?? url.href
    app = await startApp({ ...services, databaseUrl, ...own })

    const settings = async (sql: Pick<App['database'], 'run'>) => {
      const rows = await sql.run<{ name: keyof typeof ours; setting: string }>(readSettings, [
        Object.keys(ours),
      ])
      return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))
    }
    expect(await settings(app.database)).toEqual(ours)
    expect(await app.database.transaction(settings)).toEqual(ours)
    const orm = await openOrm({ url: databaseUrl, pool_size: 1, pooler: own.databasePooler })
    const names = Object.keys(ours).map((name) => `'${name}'`)
    const rows = await orm.em.execute(
      `select name, setting from pg_settings where name in (${names.join(', ')})`,
    )
    expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual(ours)
    await closeOrm(orm)

    const rest = await Rest.of(app).signIn()
    const full_name = String.raw`O'Neil \' — Ω "x" \\`
    const before = Date.now()
    expect((await rest.patch<{ full_name: string }>('/users/me', { full_name })).body).toMatchObject({
      full_name,
    })
    const me = (await rest.get<{ full_name: string; updated_at: string }>('/users/me')).body
    expect(me.full_name).toBe(full_name)
    expect(Math.abs(Date.parse(me.updated_at) - before)).toBeLessThan(20_000)
    const fleet = await createFleet(rest)
    const agent = await spawn(fleet, { name: full_name })
    const resume_after = 3 * 86_400
    type Paused = { control: { resume_at: string; requested_at: string } }
    const paused = await rest.post<Paused>(`${fleet.agents}/${agent.id}/pause`, { resume_after })
    const { resume_at, requested_at } = paused.body.control
    expect(Date.parse(resume_at) - Date.parse(requested_at)).toBe(resume_after * 1_000)
    expect((await rest.get<object>(`${fleet.agents}/${agent.id}`)).body).toMatchObject({
      name: full_name,
      control: { resume_at, requested_at },
    })
  })
})

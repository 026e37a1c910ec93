import { afterEach, describe, expect, it } from 'vitest'
import type { Config } from '#src/config/config.ts'
import type { App } from '#src/server/app.ts'
import { createBareServices, sharedBackends, startApp } from '../support/backends.ts'
import { eventually } from '../support/eventually.ts'
import { readLog } from '../support/load.ts'
import { isPgBouncerMissing, PgBouncer, type PoolMode } from '../support/pgbouncer.ts'
import { createFleet, Rest, spawn, unique } from '../support/rest.ts'

const AGENTS = 12
const ROUNDS = 4

describe.skipIf(sharedBackends.length === 0 || isPgBouncerMissing)('through PgBouncer', () => {
  let apps: App[] = []
  let bouncer: PgBouncer | undefined
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.stop()))
    await bouncer?.end()
  })

  const start = async (mode: PoolMode, own: Partial<Config>, count = 2) => {
    const services = await createBareServices()
    bouncer = await PgBouncer.before(services?.databaseUrl ?? '', mode)
    const config = { ...services, ...own, databaseUrl: bouncer.through(services?.databaseUrl ?? '') }
    apps = await Promise.all(Array.from({ length: count }, () => startApp(config)))
    return apps
  }

  const modes: [PoolMode, Partial<Config>][] = [
    ['session', {}],
    ['transaction', { databasePooler: 'transaction' }],
  ]
  it.each(modes)(
    'in %s mode, two replicas that start together write and read a whole log',
    async (mode, own) => {
      const [app, beside] = await start(mode, own)
      if (!app || !beside) throw new Error('expected two running servers')
      const rest = await Rest.of(app).signIn()
      const other = Rest.of(beside).as(rest.token)
      const fleet = await createFleet(rest)
      const agents = await Promise.all(Array.from({ length: AGENTS }, () => spawn(fleet)))
      const work = agents.map(async ({ id }, index) => {
        const path = `${fleet.agents}/${id}`
        const at = index % 2 ? rest : other
        for (let round = 0; round < ROUNDS; round++) {
          const key = { 'idempotency-key': unique('key') }
          const answers = [
            await at.call('POST', `${path}/pause`, undefined, key),
            await at.call('POST', `${path}/pause`, undefined, key),
            await at.get(path),
            await at.get(fleet.agents),
            await at.get('/users'),
            await at.get(`${fleet.agents}/metrics`),
            await at.post(`/projects/${fleet.project_id}/issues`, { title: 'Fix', assigned_agent_id: id }),
            await at.post(`${path}/resume`),
          ]
          expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200, 201, 200])
        }
      })
      await Promise.all(work)
      const log = await readLog(rest, fleet.project_id)
      expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
      expect(log.filter(({ to }) => to === 'paused')).toHaveLength(AGENTS * ROUNDS)
      expect((await app.api.request('/readyz', {}, {})).status).toBe(200)
      await eventually(async () => app.database.usage().open === app.database.usage().idle)
    },
  )

  it('a server refuses to start through a pooler in transaction mode that its settings do not name', async () => {
    await expect(start('transaction', {}, 1)).rejects.toThrow(
      /^DATABASE_URL leads to a pooler in transaction mode, .*: set DATABASE_POOLER=transaction, [^\n]*$/,
    )
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { App } from '#src/server/app.ts'
import { statement } from '#src/store/database.ts'
import { sharedBackends, startApp } from '../support/backends.ts'
import { eventually } from '../support/eventually.ts'
import { type Agent, createFleet, type Failure, type Fleet, Rest, spawn } from '../support/rest.ts'

/** PostgreSQL itself reports these, as it does where the disk is full or an operator cancels a statement. */
const makeFail = statement(
  'test_make_fail',
  `create function fail() returns trigger language plpgsql as $$
   begin raise exception 'failed' using errcode = new.current_task; end $$`,
)
const failing = statement(
  'test_failing',
  `create trigger fail before update on agents for each row when (new.current_task ~ '^[0-9A-Z]{5}$')
   execute function fail()`,
)
const backend = statement('test_backend', 'select pg_backend_pid() as pid')
const isOpen = statement('test_is_open', 'select from pg_stat_activity where pid = $1')
const fail = statement('test_fail', 'update agents set current_task = $2 where id = $1')

describe.each(sharedBackends)('a database on $name that reports', ({ config }) => {
  let app: App
  let fleet: Fleet
  let agent: Agent
  beforeAll(async () => {
    app = await startApp(await config())
    fleet = await createFleet(await Rest.of(app).signIn())
    agent = await spawn(fleet)
    await app.database.run(makeFail)
    await app.database.run(failing)
  })
  afterAll(() => app.stop())

  const patch = (current_task: string) =>
    fleet.rest.patch<Agent & Failure>(`${fleet.agents}/${agent.id}`, { current_task })
  const readiness = async () => {
    const response = await app.api.request('/readyz', {}, {})
    return `${response.status} ${((await response.json()) as { database: string }).database}`
  }

  it.each(['57014', '57P01', '57P03', '26000', '08006', '40001'])(
    '%s is a 503 and stays ready',
    async (code) => {
      const answer = await patch(code)
      expect(answer).toMatchObject({ status: 503, body: { errors: [{ code: 'DB_001' }] } })
      expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
      expect(await readiness()).toBe('200 ok')
      expect((await patch('well')).status).toBe(200)
    },
  )

  it.each([
    ['53100', 'out of resources'],
    ['53200', 'out of resources'],
    ['58030', 'failing'],
  ])('%s is a 503, and /readyz says that it is %s until it is not any more', async (code, state) => {
    const answer = await patch(code)
    expect(answer).toMatchObject({ status: 503, body: { errors: [{ message: `The database is ${state}` }] } })
    expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
    expect(await readiness()).toBe(`503 ${state}`)
    await eventually(async () => (await readiness()) === '200 ok')
  })

  it.each(['25P03', '26000', '53100', '57P05'])('%s loses its connection', async (code) => {
    let pid: number | undefined
    const work = app.database.transaction(async (sql) => {
      const [row] = await sql.run<{ pid: number }>(backend)
      pid = row?.pid
      await sql.run(fail, [agent.id, code])
    })
    await expect(work).rejects.toMatchObject({ code })
    await eventually(async () => (await app.database.run(isOpen, [pid])).length === 0)
  })
})

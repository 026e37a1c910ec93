import { beforeAll, describe, expect, it } from 'vitest'
import { createForgettingJob } from '#src/jobs/retention.ts'
import { statement } from '#src/store/database.ts'
import { type Backend, backends, sharedBackends, startApp } from '../support/backends.ts'
import {
  type Agent,
  type Answer,
  createFleet,
  type Failure,
  type Fleet,
  Rest,
  unique,
} from '../support/rest.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { addUser, password, useApp } from './suite.ts'

const age = statement('test_age_answers', 'update idempotent_answers set created_at = $2 where key = $1')
const fingerprints = statement(
  'test_fingerprints',
  'select fingerprint from idempotent_answers where key = $1',
)
const keysKept = statement('test_keys_kept', 'select key from idempotent_answers where key = any($1)')
const hide = statement('test_hide_issues', 'alter table issues rename to issues_away')
const unhide = statement('test_unhide_issues', 'alter table issues_away rename to issues')

const HOUR_MS = 60 * 60 * 1000
const ago = (ms: number) => new Date(Date.now() - ms).toISOString()

function post(rest: Rest, key: string, { path, body }: { path: string; body: object }, headers = {}) {
  return rest.call<Agent & Failure>('POST', path, body, { 'idempotency-key': key, ...headers })
}

const spawning = ({ agents, agent_type_id }: Fleet) => ({
  path: agents,
  body: { agent_type_id, name: 'Ada' },
})

describe.each(backends)('answers kept for an Idempotency-Key on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await createFleet(running().rest)
  })

  it('are kept for 24 h; then the request is done again', async () => {
    const key = unique('key')
    const first = await post(fleet.rest, key, spawning(fleet))
    await running().app.database.run(age, [key, ago(24 * HOUR_MS - 60_000)])
    expect((await post(fleet.rest, key, spawning(fleet))).body).toEqual(first.body)
    await running().app.database.run(age, [key, ago(24 * HOUR_MS + 1_000)])
    const second = await post(fleet.rest, key, spawning(fleet))
    expect(second.status).toBe(201)
    expect(second.body.id).not.toBe(first.body.id)
    expect((await post(fleet.rest, key, spawning(fleet))).body).toEqual(second.body)
    // Anew, and so for another request, too.
    await running().app.database.run(age, [key, ago(24 * HOUR_MS + 1_000)])
    const { path, body } = spawning(fleet)
    const third = await post(fleet.rest, key, { path, body: { ...body, name: 'Bob' } })
    expect(third).toMatchObject({ status: 201, body: { name: 'Bob' } })
  })

  it('of a day and more are removed, and no others', async () => {
    const [old, young] = [unique('old'), unique('young')]
    for (const key of [old, young]) await post(fleet.rest, key, spawning(fleet))
    await running().app.database.run(age, [old, ago(24 * HOUR_MS + 1_000)])
    await running().app.database.run(age, [young, ago(24 * HOUR_MS - 60_000)])
    await createForgettingJob(running().app.database, 60).run()
    expect(await running().app.database.run(keysKept, [[old, young]])).toEqual([{ key: young }])
  })

  it('are not kept for a request that fails in the server', async () => {
    const key = unique('key')
    const issue = { path: `/projects/${fleet.project_id}/issues`, body: { title: 'Look' } }
    await running().app.database.run(hide)
    const failed = await post(fleet.rest, key, issue).finally(() => running().app.database.run(unhide))
    expect(failed).toMatchObject({ status: 500, body: { errors: [{ code: 'SYS_001' }] } })
    const done = await post(fleet.rest, key, issue)
    expect(done.status).toBe(201)
    expect((await post(fleet.rest, key, issue)).body).toEqual(done.body)
  })

  it('never deadlock among one another, or with requests without a key', async () => {
    const keys = Array.from({ length: 30 }, () => unique('key'))
    const answers = await Promise.all(
      keys.flatMap((key) => [
        post(fleet.rest, key, spawning(fleet)),
        fleet.rest.post<Agent>(fleet.agents, spawning(fleet).body),
        post(fleet.rest, key, spawning(fleet)),
        fleet.rest.get<Agent>(fleet.agents),
      ]),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 201]))
    const ids = answers.filter(({ status }) => status === 201).map(({ body }) => body.id)
    expect(new Set(ids).size).toBe(60)
  })
})

describe.each(backends)('a request too many on $name', (backend) => {
  const own = { rateLimitMultiplier: 0.05, trustedHops: 1 }
  const running = useApp(backend, own)

  it('is not the answer that its Idempotency-Key keeps', async () => {
    const fleet = await createFleet(running().rest)
    const from = (address: string, key: string) =>
      post(fleet.rest, key, spawning(fleet), { 'x-forwarded-for': address })
    const [one, two] = [unique('key'), unique('key')]
    const first = await from('192.0.2.1', one)
    expect(first.status).toBe(201)
    expect((await from('192.0.2.1', two)).status).toBe(429)
    const second = await from('192.0.2.2', two)
    expect(second.status).toBe(201)
    // And a retry uses up the limit like any other request.
    expect((await from('192.0.2.1', one)).status).toBe(429)
    expect((await from('192.0.2.3', one)).body).toEqual(first.body)
  })
})

describe('what is kept of a request', () => {
  const start = async (backend: Backend, own: object) => {
    const app = await startApp({ ...(await backend.config()), ...own })
    return { app, rest: await Rest.of(app).signIn() }
  }

  it('cannot be guessed from without the SECRET_KEY: there may be a password in it', async () => {
    const [backend] = backends as [Backend]
    const user = { email: 'somebody@example.org', password }
    const kept: string[] = []
    for (const secret of ['x'.repeat(40), 'y'.repeat(40)]) {
      const { app, rest } = await start(backend, { secretKeys: [secret] })
      expect((await post(rest, 'key', { path: '/users', body: user })).status).toBe(201)
      expect((await post(rest, 'key', { path: '/users', body: user })).status).toBe(201)
      const [row] = await app.database.run<{ fingerprint: string }>(fingerprints, ['key'])
      kept.push(row?.fingerprint ?? '')
      await app.stop()
    }
    expect(kept[0]).toMatch(/^[0-9a-f]{64}$/)
    expect(kept[0]).not.toBe(kept[1])
  })

  it.each(sharedBackends)(
    'is known again when the SECRET_KEY has been changed, on $name',
    async (backend) => {
      const config = await backend.config()
      const shared = { ...backend, config: async () => config }
      const before = await start(shared, { secretKeys: ['x'.repeat(40)] })
      const user = await addUser(before.rest)
      const key = unique('key')
      const project = { path: '/projects', body: { name: 'Line', slug: unique('line') } }
      const first = await post(user.rest, key, project)
      const after = await start(shared, { secretKeys: ['y'.repeat(40), 'x'.repeat(40)] })
      const again = await post(Rest.of(after.app).as(user.rest.token), key, project)
      expect(again).toMatchObject({ status: 201, body: first.body })
      await Promise.all([before.app.stop(), after.app.stop()])
    },
  )

  it.each(sharedBackends)('is nothing while the database is away, on $name', async (backend) => {
    const { databaseUrl = '', ...config } = await backend.config()
    const proxy = await TcpProxy.to(databaseUrl)
    const shared = {
      ...backend,
      config: async () => ({ ...config, databaseUrl: proxy.through(databaseUrl) }),
    }
    const { app, rest } = await start(shared, {})
    const fleet = await createFleet(rest)
    const key = unique('key')
    proxy.cut()
    expect((await post(rest, key, spawning(fleet))).status).toBe(503)
    proxy.heal()
    let done: Answer<Agent>
    const deadline = Date.now() + 10_000
    do done = await post(rest, key, spawning(fleet))
    while (done.status === 503 && Date.now() < deadline)
    expect(done.status).toBe(201)
    expect((await post(rest, key, spawning(fleet))).body).toEqual(done.body)
    expect((await rest.get<{ pagination: object }>(fleet.agents)).body.pagination).toMatchObject({ total: 1 })
    await app.stop()
    await proxy.close()
  })
})

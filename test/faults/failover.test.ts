import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { App } from '#src/server/app.ts'
import { sharedBackends, startApp } from '../support/backends.ts'
import { eventually } from '../support/eventually.ts'
import { SocketMirror } from '../support/mirror.ts'
import { type Agent, createFleet, type Failure, type Fleet, Rest, spawn } from '../support/rest.ts'
import { isStandbyMissing, PostgresPair } from '../support/standby.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

describe.skipIf(isStandbyMissing || sharedBackends.length === 0)('a failover of the database', () => {
  let pair: PostgresPair
  let proxy: TcpProxy
  let app: App
  let fleet: Fleet
  let agent: Agent
  let url: string
  beforeEach(async () => {
    pair = await PostgresPair.start()
    proxy = await TcpProxy.to(pair.primary.url)
    app = await startApp({ databaseUrl: proxy.through(pair.primary.url) })
    url = `ws://127.0.0.1:${(await app.listen()).port}/api/v1/ws`
    fleet = await createFleet(await Rest.of(app).signIn())
    agent = await spawn(fleet)
  }, 120_000)
  afterEach(async () => {
    await app.stop()
    await proxy.close()
    await pair.close()
  }, 120_000)

  const patch = (current_task: string) =>
    fleet.rest.patch<Agent & Failure>(`${fleet.agents}/${agent.id}`, { current_task })
  const readiness = async () => {
    const response = await app.api.request('/readyz', {}, {})
    const { status, database } = (await response.json()) as { status: string; database: string }
    return { code: response.status, status, database, retry: response.headers.get('retry-after') }
  }
  const moveTo = (server: { url: string }) => {
    proxy.follow(server.url)
    proxy.cut()
    proxy.heal()
  }

  it('to a standby that takes no writes is a 503, shown by /readyz, until connections lead elsewhere', async () => {
    await pair.catchUp()
    moveTo(pair.standby)
    // A connection that the failover broke may fail first.
    await eventually(async () => {
      const refused = await patch('x')
      expect(refused).toMatchObject({ status: 503, body: { errors: [{ code: 'DB_001' }] } })
      expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
      return refused.body.errors[0]?.message === 'The database is read-only'
    })
    const login = { email: 'admin@example.org', password: 'x' }
    expect((await fleet.rest.post('/auth/login', login)).status).not.toBe(500)
    expect(await readiness()).toEqual({ code: 503, status: 'not ready', database: 'read-only', retry: '1' })

    // Those that are open stay with the standby, which stays what it is.
    proxy.follow(pair.primary.url)
    await eventually(async () => (await readiness()).code === 200)
    const statuses = (await Promise.all(Array.from({ length: 20 }, () => patch('y')))).map(
      (one) => one.status,
    )
    expect(statuses).toEqual(statuses.map(() => 200))
  }, 120_000)

  it('that loses commits gives the projects whose events are gone a new epoch', async () => {
    const watcher = new SocketMirror('a watcher', fleet, { url, knowsEpochs: true })
    const sees = (task: string) => eventually(async () => watcher.held.get(agent.id)?.current_task === task)
    await patch('kept')
    await sees('kept')
    await pair.catchUp()
    pair.stopReplication()
    for (const task of ['lost', 'lost, too', 'lost as well']) await patch(task)
    await sees('lost as well')
    await pair.promote()
    moveTo(pair.standby)

    await eventually(async () => (await patch('found')).status === 200)
    await sees('found')
    await patch('the last')
    await sees('the last')
    expect(watcher.answers.at(-1)).toMatchObject({ resumed: false, reason: 'unknown' })
    expect(watcher.answers.at(-1)?.epoch).toBeGreaterThan(1)
    watcher.leave()
  }, 120_000)

  it('is noticed by a new event, also where the new log is longer than the lost one', async () => {
    const watcher = new SocketMirror('a watcher', fleet, { url, knowsEpochs: true })
    const sees = (task: string) => eventually(async () => watcher.held.get(agent.id)?.current_task === task)
    await patch('kept')
    await sees('kept')
    await pair.catchUp()
    pair.stopReplication()
    await patch('lost')
    await sees('lost')
    await pair.promote()
    moveTo(pair.standby)

    await eventually(async () => (await patch('found')).status === 200)
    for (const task of ['a', 'b', 'c', 'the last']) expect((await patch(task)).status).toBe(200)
    await sees('the last')
    expect(watcher.answers.at(-1)?.epoch).toBeGreaterThan(1)
    watcher.leave()
  }, 120_000)
})

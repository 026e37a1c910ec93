import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createBareServices } from '../support/backends.ts'
import { isClusterMissing } from '../support/cluster.ts'
import { named, withServer } from '../support/databases.ts'
import { type Agent, createFleet, type Fleet, Rest, spawn } from '../support/rest.ts'
import { ServerProcess } from '../support/server-process.ts'
import { Watcher } from '../support/watcher.ts'

/** One that shows whether requests of another deployment are counted here. */
const SIGN_INS = 10

describe.skipIf(isClusterMissing).each([
  ['on another database of the same Redis', 7],
  ['on the very same database of Redis', undefined],
])('a server on a copy of the database, with the same SECRET_KEY, %s', (_, number) => {
  const ends: (() => unknown)[] = []
  let production: ServerProcess
  let staging: ServerProcess
  let fleet: Fleet
  let copy: Fleet
  let agent: Agent

  beforeAll(async () => {
    const services = await createBareServices()
    if (!services) throw new Error('both servers are needed')
    const { databaseUrl, redisUrl } = services
    const start = async (DATABASE_URL: string, REDIS_URL: string) => {
      const server = await ServerProcess.start({ DATABASE_URL, REDIS_URL, RATE_LIMIT_MULTIPLIER: '1' })
      ends.push(() => server.end('SIGKILL'))
      return server
    }
    const first = await start(databaseUrl, redisUrl)
    fleet = await createFleet(await Rest.at(first.origin).signIn())
    agent = await spawn(fleet)
    await first.end()
    const name = `${new URL(databaseUrl).pathname.slice(1)}_copy`
    const original = new URL(databaseUrl).pathname.slice(1)
    await withServer(inject('services').databaseUrl ?? '', (client) =>
      client.query(`create database ${name} template ${original}`),
    )
    const other = new URL(redisUrl)
    if (number !== undefined) other.pathname = `/${number}`
    production = await start(databaseUrl, redisUrl)
    staging = await start(named(databaseUrl, name), other.href)
    const { token } = fleet.rest
    fleet = { ...fleet, rest: Rest.at(production.origin).as(token) }
    copy = { ...fleet, rest: Rest.at(staging.origin).as(token) }
  })
  afterAll(async () => {
    for (const end of ends.reverse()) await end()
  })

  it('tells its watchers only of its own events', async () => {
    const watcher = new Watcher(staging.ws, { token: copy.rest.token })
    await watcher.next('hello')
    await watcher.ask({ type: 'subscribe', project_id: copy.project_id }, 'snapshot')
    await fleet.rest.patch(`${fleet.agents}/${agent.id}`, { current_task: 'production' })
    await copy.rest.patch(`${fleet.agents}/${agent.id}`, { current_task: 'staging' })
    await watcher.next((frame) => (frame.agent as Agent | undefined)?.current_task === 'staging')
    // The number of production's next is free here: its news would be taken at once.
    await fleet.rest.patch(`${fleet.agents}/${agent.id}`, { current_task: 'production again' })
    await copy.rest.patch(`${fleet.agents}/${agent.id}`, { current_task: 'staging again' })
    await watcher.next((frame) => (frame.agent as Agent | undefined)?.current_task === 'staging again')
    const tasks = watcher.events().map(({ agent }) => agent?.current_task)
    expect(tasks).toEqual(['staging', 'staging again'])
    await watcher.close()
  })

  it('counts only its own requests', async () => {
    const wrong = { email: 'nobody@example.org', password: 'wrong' }
    const remaining = async ({ rest }: Fleet) =>
      Number((await rest.post('/auth/login', wrong)).headers.get('ratelimit-remaining'))
    const before = await remaining(copy)
    for (let left = SIGN_INS / 2; left > 0; left--) await remaining(fleet)
    expect(await remaining(copy)).toBe(before - 1)
  })
})

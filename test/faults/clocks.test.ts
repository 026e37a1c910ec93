import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cluster, isClusterMissing, startCluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { type Agent, Rest, spawn } from '../support/rest.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { isFaketimeMissing, shiftedClock } from '../support/shifted-clock.ts'
import { Watcher } from '../support/watcher.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const RETENTION_SECONDS = 15

type Page = { data: { seq: number; name: string; at: string }[] }

/** The database's clock is that of this process. */
describe.skipIf(isClusterMissing || isFaketimeMissing).each([
  ['eight days ahead', '+8d', 8 * DAY_MS],
  ['two hours behind', '-2h', -DAY_MS / 12],
])('a replica whose clock is %s', { timeout: 60_000 }, (_, shift, skew_ms) => {
  let cluster: Cluster
  let shifted: ServerProcess
  /** The same user at the replica with the right clock, and at the other. */
  let right: Rest
  let wrong: Rest

  beforeAll(async () => {
    cluster = await startCluster({}, 1)
    shifted = await cluster.startServer({
      ...shiftedClock(shift),
      EVENT_RETENTION: `${RETENTION_SECONDS}s`,
    })
    cluster.servers.push(shifted)
    right = cluster.rests[0] as Rest
    wrong = Rest.at(shifted.origin).as(right.token)
  })
  afterAll(() => cluster.stop())

  const readEvents = async () =>
    (await right.get<Page>(`/projects/${cluster.fleet.project_id}/events?limit=1000`)).body
  const isNow = (at: string) => expect(Math.abs(Date.parse(at) - Date.now())).toBeLessThan(5_000)

  it('tells by how much, in its metrics and in one line of its log', async () => {
    expect(await shifted.metric('signalbox_clock_skew_seconds')).toBeCloseTo(skew_ms / 1000, -1)
    expect(Math.abs((await cluster.servers[0]?.metric('signalbox_clock_skew_seconds')) ?? 9)).toBeLessThan(1)
    expect(shifted.warnings.filter((line) => line.includes('skew_seconds'))).toHaveLength(1)
    expect(cluster.servers[0]?.warnings.filter((line) => line.includes('skew_seconds'))).toEqual([])
  })

  it('takes the sessions of other replicas, and makes ones that they take', async () => {
    expect((await wrong.get('/users/me')).status).toBe(200)
    const signed_in = await Rest.at(shifted.origin).signIn()
    expect((await signed_in.get('/users/me')).status).toBe(200)
    expect((await right.as(signed_in.token).get('/users/me')).status).toBe(200)
    const socket = new Watcher(shifted.ws, { token: right.token })
    await socket.next('hello')
    isNow((await socket.ask({ type: 'ping' }, 'pong')).at as string)
    await socket.close()
  })

  it('stamps what it writes with the time of the database', async () => {
    const agent = await spawn({ ...cluster.fleet, rest: wrong })
    isNow(agent.created_at)
    isNow((await readEvents()).data.at(-1)?.at ?? '')
  })

  it('accepts a key until it expires, and refuses an expiry in the past', async () => {
    const create = (rest: Rest, after_ms: number) =>
      rest.post<{ key: string }>('/api-keys', {
        name: 'shared',
        role: 'viewer',
        expires_at: new Date(Date.now() + after_ms).toISOString(),
      })
    const { status, body } = await create(right, 60_000)
    expect(status).toBe(201)
    expect((await wrong.as(body.key).get('/projects')).status).toBe(200)
    expect((await create(wrong, 60_000)).status).toBe(201)
    expect((await create(wrong, -60_000)).status).toBe(422)
  })

  it('repeats the answer of another replica for a day', async () => {
    const send = (rest: Rest) =>
      rest.call<Agent>(
        'POST',
        cluster.fleet.agents,
        { agent_type_id: cluster.fleet.agent_type_id, name: 'once' },
        {
          'idempotency-key': `clock${skew_ms}`,
        },
      )
    const [first, second, third] = [await send(right), await send(wrong), await send(right)]
    expect(first.status).toBe(201)
    expect([second.body.id, third.body.id]).toEqual([first.body.id, first.body.id])
  })

  it('ends a pause when its time is over, neither before nor after', async () => {
    const { id } = await spawn(cluster.fleet)
    const begun = Date.now()
    const path = `${cluster.fleet.agents}/${id}`
    expect((await wrong.post(`${path}/pause`, { resume_after: 4 })).status).toBe(200)
    await eventually(async () => (await right.get<Agent>(path)).body.status === 'idle')
    expect(Date.now() - begun).toBeGreaterThanOrEqual(4_000)
    expect(Date.now() - begun).toBeLessThan(9_000)
  })

  it('prunes events once their time is over, and not before', async () => {
    const { id } = await spawn(cluster.fleet)
    const written = Date.now()
    const { seq } = (await right.get<Agent>(`${cluster.fleet.agents}/${id}`)).body
    const oldest = async () => (await readEvents()).data[0]?.seq ?? seq + 1
    await expect.poll(oldest, { timeout: 40_000 }).toBeGreaterThan(seq)
    expect(Date.now() - written).toBeGreaterThanOrEqual(RETENTION_SECONDS * 1000)
  })
})

import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Hold } from '#src/domain/hold.ts'
import { type Cluster, isClusterMissing, startCluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { listAgents } from '../support/fleet-view.ts'
import { fillFleetText, readLog, spawnMany } from '../support/load.ts'
import { type Agent, createFleet, type Rest, spawn } from '../support/rest.ts'
import { Watcher } from '../support/watcher.ts'

const RACERS = 200
const FLEET = 3_000
const labels = { team: 'support' }

describe.skipIf(isClusterMissing)('a hold on two replicas', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startCluster()
  })
  afterAll(() => cluster.stop())

  const restOf = (index: number) => cluster.rests[index % 2] as Rest

  it(`lets none of ${RACERS} spawns, new labels and resumes run free that race with it`, {
    timeout: 60_000,
  }, async () => {
    const { fleet } = cluster
    const outside = await spawnMany(fleet, RACERS, { status: 'working' })
    const paused = await spawnMany(fleet, RACERS, { labels })
    await fleet.rest.post(`${fleet.agents}/actions`, { action: 'pause', all: true, selector: 'team=support' })
    const statuses = { resumed: 0, refused: 0 }
    const racers = Array.from({ length: RACERS }, (_, index) => index).flatMap((index) => {
      const own = { ...fleet, rest: restOf(index) }
      return [
        () => spawn(own, { status: 'working', labels }),
        () => restOf(index + 1).patch(`${fleet.agents}/${outside[index]?.id}`, { labels }),
        async () => {
          const { status } = await restOf(index).post(`${fleet.agents}/${paused[index]?.id}/resume`)
          statuses[status === 200 ? 'resumed' : 'refused']++
        },
      ]
    })
    const middle = Math.floor(racers.length / 3)
    const first = racers.slice(0, middle).map((race) => race())
    const placed = restOf(0).post<Hold>(`/projects/${fleet.project_id}/holds`, {
      reason: 'storm',
      selector: 'team=support',
    })
    await Promise.all([...first, ...racers.slice(middle).map((race) => race())])
    const { status, body: hold } = await placed
    expect(status).toBe(201)
    const agents = await listAgents(fleet, restOf(1))
    expect(agents).toHaveLength(3 * RACERS)
    expect(agents.filter((agent) => agent.status !== 'paused' || agent.holds[0] !== hold.id)).toEqual([])
    expect(statuses.resumed + statuses.refused).toBe(RACERS)
    // After the hold no event shows an agent that matches, has been told of it, and runs.
    const log = await readLog(fleet.rest, fleet.project_id)
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
    const since = log.slice(log.findIndex(({ hold }) => hold !== undefined) + 1)
    const free = since.filter(({ agent, name }) => name === 'agent.spawned' && agent.status !== 'paused')
    expect(free).toEqual([])
    expect(since.filter(({ to }) => to === 'idle')).toEqual([])
  })

  it('is made good within 5 s by the other one if its replica is killed in the middle', {
    timeout: 60_000,
  }, async () => {
    const fleet = await createFleet(restOf(1))
    const client = new pg.Client({ connectionString: cluster.databaseUrl })
    await client.connect()
    await client.query(fillFleetText, [fleet.project_id, fleet.agent_type_id, null, FLEET])
    await client.end()
    const [first, second] = cluster.servers
    const watcher = new Watcher(second?.ws ?? '', { token: restOf(1).token })
    await watcher.next('hello')
    watcher.send({ type: 'subscribe', project_id: fleet.project_id })
    await watcher.next('subscribed')
    const broken = restOf(0)
      .post(`/projects/${fleet.project_id}/holds`, { reason: 'storm' })
      .catch(() => 'broken')
    await watcher.next((frame) => frame.type === 'event' && frame.seq === FLEET / 3)
    await first?.end('SIGKILL')
    const killed = performance.now()
    expect(await broken).toBe('broken')
    const metrics = async () =>
      (await restOf(1).get<{ by_status: Record<Agent['status'], number> }>(`${fleet.agents}/metrics`)).body
    const { by_status } = await metrics()
    expect(by_status.idle).toBeGreaterThan(0)
    // What is taken over within 5 s is then done in a moment.
    await eventually(async () => (await metrics()).by_status.paused > by_status.paused, 5_000)
    expect(performance.now() - killed).toBeLessThan(5_000)
    await eventually(async () => (await metrics()).by_status.paused === FLEET)
    const { body } = await restOf(1).get<{ data: Hold[] }>(`/projects/${fleet.project_id}/holds`)
    expect(body.data).toMatchObject([{ affected_count: FLEET }])
    watcher.socket.close()
  })
})

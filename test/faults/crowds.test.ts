import { afterEach, describe, expect, it } from 'vitest'
import { type Cluster, isClusterMissing, startCluster } from '../support/cluster.ts'
import { spawnMany, toggleAgents } from '../support/load.ts'
import type { Agent, Rest } from '../support/rest.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { Tracker } from '../support/tracker.ts'

describe.skipIf(isClusterMissing)('a crowd of readers', () => {
  let cluster: Cluster
  let trackers: Tracker[] = []

  afterEach(async () => {
    for (const tracker of trackers) tracker.stop()
    trackers = []
    await cluster.stop()
  })

  const track = async (count: number, urls: string[]) => {
    const token = cluster.rests[0]?.token as string
    const started = Array.from({ length: count }, () =>
      new Tracker(urls, token, cluster.fleet.project_id).start(),
    )
    trackers = await Promise.all(started)
  }

  const toggle = (agents: readonly Agent[], count: number) =>
    toggleAgents({ rests: cluster.rests, fleet: cluster.fleet, agents }, (written) => written >= count)

  it('of 1,000 that comes back within a second costs fewer than 20 log queries', {
    timeout: 120_000,
  }, async () => {
    cluster = await startCluster({}, 1)
    const server = cluster.servers[0] as ServerProcess
    const agents = await spawnMany(cluster.fleet, 20)
    await track(1_000, [server.ws])
    // All at one place, then a thousand events that none of them hears of.
    const position = trackers[0]?.position as number
    for (const tracker of trackers) tracker.stop()
    const answered = await toggle(agents, 1_000)
    const last = Math.max(...answered.agents.map((agent) => agent.seq))
    const before = await server.metric('signalbox_log_queries_total')

    const token = cluster.rests[0]?.token as string
    const back = trackers.map(() => {
      const tracker = new Tracker([server.ws], token, cluster.fleet.project_id)
      tracker.position = position
      return tracker
    })
    await Promise.all(back.map((tracker) => tracker.start().then(() => tracker.reached(last))))
    trackers = back
    expect(back.flatMap((tracker) => tracker.faults)).toEqual([])
    expect(back.map((tracker) => tracker.arrivals.length)).toEqual(back.map(() => last - position))
    expect((await server.metric('signalbox_log_queries_total')) - before).toBeLessThan(20)
  })

  it('of 200, and 50 requests in flight, lose nothing on SIGTERM; the server is out within 12 s', {
    timeout: 60_000,
  }, async () => {
    cluster = await startCluster()
    const [leaving, staying] = cluster.servers as [ServerProcess, ServerProcess]
    const agents = await spawnMany(cluster.fleet, 50)
    await track(200, [leaving.ws, staying.ws])
    const rest = cluster.rests[0] as Rest
    const inFlight = agents.map((agent) => rest.post<Agent>(`${cluster.fleet.agents}/${agent.id}/pause`))
    // The first answer shows that they have arrived.
    await Promise.race(inFlight)
    const asked = Date.now()
    leaving.child.kill('SIGTERM')
    const answers = await Promise.all(inFlight)
    expect(answers.map((answer) => answer.status)).toEqual(agents.map(() => 200))
    expect(await leaving.exited).toBe(0)
    expect(Date.now() - asked).toBeLessThan(12_000)

    cluster.rests.shift()
    await toggle(await spawnMany({ ...cluster.fleet, rest: cluster.rests[0] as Rest }, 8), 100)
    const last = (
      await cluster.rests[0]?.get<{ last_seq: number }>(`/projects/${cluster.fleet.project_id}/events`)
    )?.body.last_seq as number
    await Promise.all(trackers.map((tracker) => tracker.reached(last)))
    expect(trackers.flatMap((tracker) => tracker.faults)).toEqual([])
    expect(new Set(trackers.flatMap((tracker) => tracker.closes.slice(0, 1)))).toEqual(new Set([1001]))
    expect(trackers.map((tracker) => tracker.resets)).toEqual(trackers.map(() => 0))
  })
})

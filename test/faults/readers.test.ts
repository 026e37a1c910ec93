import { afterEach, describe, expect, it } from 'vitest'
import { type Cluster, isClusterMissing, startCluster } from '../support/cluster.ts'
import { checkHistory, readLog, spawnMany, toggleAgents } from '../support/load.ts'
import type { Agent, Rest } from '../support/rest.ts'
import { percentile, Tracker } from '../support/tracker.ts'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe.skipIf(isClusterMissing)('readers on two replicas', () => {
  let cluster: Cluster
  const trackers: Tracker[] = []

  afterEach(async () => {
    for (const tracker of trackers.splice(0)) tracker.stop()
    await cluster.stop()
  })

  const track = async (count: number, urls = cluster.servers.map((server) => server.ws)) => {
    const token = cluster.rests[0]?.token as string
    const started = Array.from({ length: count }, () =>
      new Tracker(urls, token, cluster.fleet.project_id).start(),
    )
    trackers.push(...(await Promise.all(started)))
  }

  const load = (agents: readonly Agent[], isDone: (written: number) => boolean) =>
    toggleAgents({ rests: cluster.rests, fleet: cluster.fleet, agents }, isDone)

  /** All trackers have all of the log, and the log is a true history. */
  const expectWhole = async (answered: Awaited<ReturnType<typeof load>>) => {
    const { project_id, agents } = cluster.fleet
    const rest = cluster.rests.at(-1) as Rest
    const log = await readLog(rest, project_id)
    await Promise.all(trackers.map((tracker) => tracker.reached(log.length)))
    expect(trackers.flatMap((tracker) => tracker.faults)).toEqual([])
    expect(trackers.map((tracker) => tracker.resets)).toEqual(trackers.map(() => 0))
    const final = (await rest.get<{ data: Agent[] }>(`${agents}?limit=100`)).body.data
    expect(checkHistory(log, answered, final)).toEqual([])
    return log
  }

  it('that disconnect at random under 1,500 writes have every seq once, in order', async () => {
    cluster = await startCluster()
    const agents = await spawnMany(cluster.fleet, 40)
    await track(20)
    let isWriting = true
    const cutting = (async () => {
      while (isWriting) {
        trackers[Math.floor(Math.random() * trackers.length)]?.cut()
        await pause(10)
      }
    })()
    const answered = await load(agents, (written) => written >= 1_500)
    isWriting = false
    await cutting
    expect([...answered.statuses.keys()]).toEqual([200])
    await expectWhole(answered)
    expect(Math.max(...trackers.map((tracker) => tracker.closes.length))).toBeGreaterThan(1)
  })

  it.each(['cut', 'hang'] as const)('get all within 3 s while Redis is %s for 5 s', async (fault) => {
    cluster = await startCluster()
    const agents = await spawnMany(cluster.fleet, 40)
    await track(6)
    let isDone = false
    const loading = load(agents, () => isDone)
    await pause(500)
    cluster.redis[fault]()
    await pause(5_000)
    cluster.redis.heal()
    await pause(1_000)
    isDone = true
    const answered = await loading
    expect([...answered.statuses.keys()]).toEqual([200])
    await expectWhole(answered)
    for (const tracker of trackers) expect(percentile(tracker.arrivals, 1)).toBeLessThan(3_000)
  })

  it('are not lost while PostgreSQL is away for 3 s: 503 with Retry-After until it is back', async () => {
    cluster = await startCluster()
    const agents = await spawnMany(cluster.fleet, 40)
    await track(6)
    let isDone = false
    const loading = load(agents, () => isDone)
    await pause(500)
    cluster.postgres.cut()
    await pause(3_000)
    cluster.postgres.heal()
    await pause(2_000)
    isDone = true
    const answered = await loading
    expect([...answered.statuses.keys()].sort()).toEqual([200, 503])
    expect(new Set(answered.retryAfter)).toEqual(new Set(['1']))
    expect(answered.broken).toBe(0)
    await expectWhole(answered)
    expect(trackers.flatMap((tracker) => tracker.closes)).toEqual([])
  })

  it('see no gap when replicas are killed under load, three times', async () => {
    cluster = await startCluster()
    const agents = await spawnMany(cluster.fleet, 40)
    await track(4, [cluster.servers[1]?.ws as string])
    let isDone = false
    const answers = [load(agents.slice(0, 20), () => isDone)]
    for (let round = 0; round < 3; round++) {
      await pause(600)
      await cluster.servers[0]?.end('SIGKILL')
      const next = await cluster.startServer()
      cluster.servers[0] = next
      const { Rest } = await import('../support/rest.ts')
      cluster.rests[0] = Rest.at(next.origin).as(cluster.rests[1]?.token)
    }
    await pause(500)
    isDone = true
    const [answered] = await Promise.all(answers)
    if (!answered) throw new Error('no load')
    expect(answered.broken).toBeGreaterThan(0)
    await expectWhole(answered)
    expect(trackers.flatMap((tracker) => tracker.closes)).toEqual([])
  })
})

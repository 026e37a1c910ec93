import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { channelOf } from '#src/bus/news.ts'
import { type Cluster, isClusterMissing, startCluster } from '../support/cluster.ts'
import { readDeployment } from '../support/deployment.ts'
import { type Answered, checkHistory, readLog, spawnMany, toggleAgents } from '../support/load.ts'
import { isRedisServerMissing, RedisCluster } from '../support/redis-cluster.ts'
import { type Agent, createFleet, type Fleet, type Rest } from '../support/rest.ts'
import { untilAnswers } from '../support/services.ts'
import { percentile, Tracker } from '../support/tracker.ts'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
/** A project whose channel lies on one node; who watches it, one on each server; every write so far. */
type Line = { place: number; fleet: Fleet; trackers: Tracker[]; writes: Answered[] }

describe.skipIf(isClusterMissing || isRedisServerMissing)('two replicas on a Redis Cluster', () => {
  let redis: RedisCluster
  let cluster: Cluster
  let deployment: string
  const lines: Line[] = []

  beforeAll(async () => {
    redis = await RedisCluster.start()
    cluster = await startCluster({ REDIS_URL: redis.url })
    deployment = await readDeployment(cluster.databaseUrl, redis.url)
    const [rest] = cluster.rests as [Rest]
    const room = redis.nodes.map(() => 2)
    while (room.some((left) => left > 0)) {
      const fleet = await createFleet(rest)
      const place = redis.placeOf(fleet.project_id, deployment)
      if (room[place] === 0) continue
      room[place] = (room[place] ?? 0) - 1
      await spawnMany(fleet, 4)
      const trackers = cluster.servers.map(({ ws }) => new Tracker([ws], rest.token ?? '', fleet.project_id))
      lines.push({ place, fleet, trackers, writes: [] })
      await Promise.all(trackers.map((tracker) => tracker.start()))
    }
  })
  afterAll(async () => {
    for (const { trackers } of lines) for (const tracker of trackers) tracker.stop()
    await cluster?.stop()
    await redis?.stop()
  })

  const untilRedisIs = async (state: string) => {
    const ask = async ({ origin }: { origin: string }) => (await fetch(`${origin}/readyz`)).text()
    const isSo = (text: string) => text.includes(`"redis":"${state}"`)
    while (!(await Promise.all(cluster.servers.map(ask))).every(isSo)) await pause(50)
  }
  const write = async (line: Line, isDone: (written: number) => boolean) => {
    const { data: agents } = (await line.fleet.rest.get<{ data: Agent[] }>(line.fleet.agents)).body
    const load = { rests: cluster.rests, fleet: line.fleet, agents, writers: 1 }
    line.writes.push(await toggleAgents(load, isDone))
  }
  /** How long a request takes, in ms, one after the other on both servers; sorted. */
  const timeRequests = async (isDone: () => boolean) => {
    const times: number[] = []
    for (let turn = 0; !isDone(); turn++) {
      const start = performance.now()
      const { status } = await (cluster.rests[turn % 2] as Rest).get((lines[0] as Line).fleet.agents)
      expect(status).toBe(200)
      times.push(performance.now() - start)
      await pause(20)
    }
    return times.sort((a, b) => a - b)
  }
  /** Each reader has the whole log, once and in order, nothing of it 3 s late; and it is a true history. */
  const expectWhole = async ({ fleet, trackers, writes }: Line) => {
    const rest = cluster.rests[1] as Rest
    const log = await readLog(rest, fleet.project_id)
    await Promise.all(trackers.map((tracker) => tracker.reached(log.length)))
    expect(trackers.flatMap(({ faults, closes, resets }) => [...faults, ...closes, resets])).toEqual([0, 0])
    const statuses = new Map(writes.flatMap((answered) => [...answered.statuses]))
    expect([...statuses.keys()]).toEqual([200])
    const agents = writes.flatMap((answered) => answered.agents)
    const broken = writes.reduce((sum, answered) => sum + answered.broken, 0)
    const final = (await rest.get<{ data: Agent[] }>(`${fleet.agents}?limit=100`)).body.data
    expect(checkHistory(log, { agents, statuses, broken, retryAfter: [] }, final)).toEqual([])
    for (const { arrivals } of trackers) expect(percentile(arrivals, 1)).toBeLessThan(3_000)
  }
  /** Both servers are subscribed to every channel, on the node that has it, and news comes that way. */
  const expectNews = async () => {
    for (const line of lines) {
      const channel = channelOf(deployment, line.fleet.project_id)
      const asking = () => redis.nodes[line.place]?.ask((node) => node.call('pubsub', 'shardnumsub', channel))
      await untilAnswers(async () => String(await asking()) === `${channel},${cluster.servers.length}`)
      const before = line.trackers.map(({ arrivals }) => arrivals.length)
      await write(line, (written) => written >= 20)
      const last_seq = Math.max(...(line.writes.at(-1)?.agents ?? []).map(({ seq }) => seq))
      await Promise.all(line.trackers.map((tracker) => tracker.reached(last_seq)))
      const news = line.trackers.flatMap((tracker, place) => tracker.arrivals.slice(before[place]))
      expect(news).toHaveLength(20 * line.trackers.length)
      expect(percentile(news, 1)).toBeLessThan(1_000)
    }
  }

  it.each(['kill', 'hang'] as const)(
    'lose no event when a node is gone (%s) under load, and hear from it when it is back',
    async (fault) => {
      await untilRedisIs('ok')
      await expectNews()
      let isDone = false
      const timing = timeRequests(() => isDone)
      const loading = Promise.all(lines.map((line) => write(line, () => isDone)))
      await pause(1_000)
      await redis.nodes[0]?.[fault]()
      await untilRedisIs('degraded')
      await pause(4_000)
      if (fault === 'kill') redis.nodes[0]?.restart()
      else redis.nodes[0]?.resume()
      await untilRedisIs('ok')
      isDone = true
      const [times] = await Promise.all([timing, loading])
      // The limiter waits 150 ms for a node that hangs.
      expect(times[Math.floor(times.length * 0.9)]).toBeLessThan(400)
      expect(times.at(-1)).toBeLessThan(2_000)
      for (const line of lines) await expectWhole(line)
      await expectNews()
    },
  )
})

import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Bus } from '#src/bus/bus.ts'
import { connectRedis } from '#src/bus/connections.ts'
import { createMemoryBus } from '#src/bus/memory.ts'
import { createNewsCodec } from '#src/bus/news.ts'
import { channelOf } from '#src/bus/redis.ts'
import type { LoggedEvent } from '#src/store/events.ts'
import { isRedisServerMissing, RedisCluster } from '../support/redis-cluster.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

/** `pair` opens the buses of two processes; of one where nothing is shared. */
type Ground = { pair: () => [Bus, Bus]; interrupt: () => Promise<unknown>; end: () => Promise<unknown> }
type Kind = { name: string; isMissing: boolean; isShared: boolean; open: () => Promise<Ground> }

const { redis_url } = inject('services')
const secret = 'a secret key for tests, of a good length'
const ends: (() => unknown)[] = []

function connect(url: string): Bus {
  const errors = () => {}
  const { bus, limiter } = connectRedis(url, {
    codec: createNewsCodec([secret], randomUUID()),
    onError: errors,
  })
  ends.push(() => [limiter.disconnect(), bus.close()])
  return bus
}

const dropSubscribers = (redis: Redis) => redis.call('client', 'kill', 'type', 'pubsub')

const kinds: Kind[] = [
  {
    name: 'in memory',
    isMissing: false,
    isShared: false,
    async open() {
      const bus = createMemoryBus()
      return { pair: () => [bus, bus], interrupt: async () => {}, end: async () => {} }
    },
  },
  {
    name: 'on Redis',
    isMissing: redis_url === undefined,
    isShared: true,
    async open() {
      const proxy = await TcpProxy.to(redis_url ?? '')
      const url = proxy.through(redis_url ?? '')
      const interrupt = async () => {
        proxy.cut()
        proxy.heal()
      }
      return { pair: () => [connect(url), connect(url)], interrupt, end: () => proxy.close() }
    },
  },
  {
    name: 'on a Redis Cluster',
    isMissing: isRedisServerMissing,
    isShared: true,
    async open() {
      const cluster = await RedisCluster.start()
      const interrupt = () => Promise.all(cluster.nodes.map((node) => node.ask(dropSubscribers)))
      return {
        pair: () => [connect(cluster.url), connect(cluster.url)],
        interrupt,
        end: () => cluster.stop(),
      }
    },
  },
]

const newsOf = (project_id: string, seq: number): LoggedEvent => ({
  project_id,
  epoch: 1,
  seq,
  frame: `{"seq":${seq},"epoch":1}`,
})

async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error('it did not come to be')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Publishes the next number until one arrives. */
async function untilHeard(bus: Bus, project_id: string, heard: readonly number[]): Promise<void> {
  const before = heard.length
  let seq = 1_000
  await until(() => {
    if (heard.length === before) bus.publish(newsOf(project_id, seq++))
    return heard.length > before
  })
}

afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

for (const { name, isMissing, isShared, open } of kinds) {
  describe.skipIf(isMissing)(`the bus ${name}`, () => {
    let ground: Ground
    beforeAll(async () => {
      ground = await open()
    })
    afterAll(() => ground.end())

    const openPair = async () => {
      const pair = ground.pair()
      await until(() => pair.every((bus) => bus.state() !== 'down'))
      return pair
    }
    const listen = async (bus: Bus, project_id: string) => {
      const heard: number[] = []
      await bus.subscribe(project_id, ({ seq }) => heard.push(seq))
      return heard
    }

    it('carries the news of 40 projects to whoever listens, in order, each to its own', async () => {
      const [here, there] = await openPair()
      const projects = Array.from({ length: 40 }, () => randomUUID())
      const heard = await Promise.all(projects.map((project_id) => listen(there, project_id)))
      for (const seq of [1, 2, 3]) for (const project_id of projects) here.publish(newsOf(project_id, seq))
      await until(() => heard.every((numbers) => numbers.length >= 3))
      expect(heard).toEqual(projects.map(() => [1, 2, 3]))
    })

    it('is silent about a project once nobody listens, and speaks of it again when somebody does', async () => {
      const [here, there] = await openPair()
      const [left, kept] = [randomUUID(), randomUUID()]
      const [before, other] = [await listen(there, left), await listen(there, kept)]
      there.unsubscribe(left)
      for (const project_id of [left, kept]) here.publish(newsOf(project_id, 1))
      await until(() => other.length > 0)
      expect(before).toEqual([])
      const after = await listen(there, left)
      here.publish(newsOf(left, 2))
      await until(() => after.length > 0)
      expect([before, after]).toEqual([[], [2]])
    })

    it('tells the publishing process at once', async () => {
      const [here] = await openPair()
      const project_id = randomUUID()
      const heard = await listen(here, project_id)
      here.publish(newsOf(project_id, 1))
      expect(heard).toEqual([1])
    })

    if (!isShared) return
    it('goes on after its connections broke, and says that news may have been missed', async () => {
      const [here, there] = await openPair()
      let reconnects = 0
      there.onReconnected(() => reconnects++)
      const projects = Array.from({ length: 10 }, () => randomUUID())
      const heard = await Promise.all(projects.map((project_id) => listen(there, project_id)))
      await ground.interrupt()
      await until(() => reconnects > 0)
      await until(() => there.state() === 'up')
      for (const [place, project_id] of projects.entries())
        await untilHeard(here, project_id, heard[place] ?? [])
    })
  })
}

describe.skipIf(isRedisServerMissing)('the bus on a Redis Cluster', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await RedisCluster.start()
  })
  afterAll(() => cluster.stop())

  /** A project whose channel lies on each node. */
  const projectsOfNodes = () => {
    const found = new Map<number, string>()
    while (found.size < cluster.nodes.length) {
      const project_id = randomUUID()
      found.set(cluster.placeOf(project_id), project_id)
    }
    return cluster.nodes.map((_, place) => found.get(place) as string)
  }

  it('follows a slot that moves to another node', async () => {
    const [here, there] = [connect(cluster.url), connect(cluster.url)]
    const [project_id = ''] = projectsOfNodes()
    const heard: number[] = []
    await there.subscribe(project_id, ({ seq }) => heard.push(seq))
    await untilHeard(here, project_id, heard)
    for (const place of [1, 0]) {
      await cluster.move(project_id, place)
      await untilHeard(here, project_id, heard)
      // Only the new owner has a subscriber, or would take one.
      const count = await cluster.nodes[place]?.ask((redis) =>
        redis.call('pubsub', 'shardnumsub', channelOf(project_id)),
      )
      expect(count).toEqual([channelOf(project_id), 1])
    }
  })

  it.each(['kill', 'hang'] as const)(
    'with a node gone (%s) carries the news of the others, never throws, and is down until it is back',
    async (fault) => {
      const [here, there] = [connect(cluster.url), connect(cluster.url)]
      const projects = projectsOfNodes()
      const heard: number[][] = projects.map(() => [])
      for (const [place, project_id] of projects.entries()) {
        await there.subscribe(project_id, ({ seq }) => heard[place]?.push(seq))
      }
      await until(() => here.state() === 'up' && there.state() === 'up')
      await cluster.nodes[0]?.[fault]()
      await until(() => here.state() === 'down' && there.state() === 'down')
      const memory = process.memoryUsage().heapUsed
      for (let seq = 1; seq <= 20_000; seq++) here.publish(newsOf(projects[0] ?? '', seq))
      expect(process.memoryUsage().heapUsed - memory).toBeLessThan(100 * 2 ** 20)
      for (const place of [1, 2]) await untilHeard(here, projects[place] ?? '', heard[place] ?? [])
      if (fault === 'kill') cluster.nodes[0]?.restart()
      else cluster.nodes[0]?.resume()
      await until(() => here.state() === 'up' && there.state() === 'up')
      for (const [place, project_id] of projects.entries()) {
        await untilHeard(here, project_id, heard[place] ?? [])
      }
    },
  )
})

describe.skipIf(isRedisServerMissing)('a cluster older than Redis 7', () => {
  it('is told of once, and leaves the bus down', async () => {
    const cluster = await RedisCluster.start({ disabled: ['spublish', 'ssubscribe', 'sunsubscribe'] })
    ends.push(() => cluster.stop())
    const errors: string[] = []
    const { bus, limiter } = connectRedis(cluster.url, {
      codec: createNewsCodec([secret], randomUUID()),
      onError: ({ message }) => errors.push(message),
    })
    ends.push(() => [limiter.disconnect(), bus.close()])
    const projects = Array.from({ length: 5 }, () => randomUUID())
    for (const project_id of projects) await bus.subscribe(project_id, () => {})
    await until(() => errors.length > 0)
    for (const project_id of projects) bus.publish(newsOf(project_id, 1))
    expect(bus.state()).toBe('down')
    expect(errors).toEqual([expect.stringMatching(/Redis 7/)])
  })
})

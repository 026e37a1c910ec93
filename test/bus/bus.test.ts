import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Bus } from '#src/bus/bus.ts'
import { createMemoryBus } from '#src/bus/memory.ts'
import { eventually } from '../support/eventually.ts'
import { isRedisServerMissing, RedisCluster } from '../support/redis-cluster.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { connect, newsOf, untilHeard } from './processes.ts'

/** `pair` opens the buses of two processes; where nothing is shared, of one. */
type Ground = { pair: () => [Bus, Bus]; interrupt: () => Promise<unknown>; end: () => Promise<unknown> }
type Kind = { name: string; isMissing: boolean; isShared: boolean; open: () => Promise<Ground> }

const { redisUrl } = inject('services')
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
    isMissing: redisUrl === undefined,
    isShared: true,
    async open() {
      const proxy = await TcpProxy.to(redisUrl ?? '')
      const url = proxy.through(redisUrl ?? '')
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

for (const { name, isMissing, isShared, open } of kinds) {
  describe.skipIf(isMissing)(`the bus ${name}`, () => {
    let ground: Ground
    beforeAll(async () => {
      ground = await open()
    })
    afterAll(() => ground.end())

    const openPair = async () => {
      const pair = ground.pair()
      await eventually(() => pair.every((bus) => bus.state() !== 'down'))
      return pair
    }
    const listen = async (bus: Bus, project_id: string) => {
      const heard: number[] = []
      await bus.subscribe(project_id, ({ seq }) => heard.push(seq))
      return heard
    }

    it('each of 40 listeners hears the news of its own project, in order', async () => {
      const [here, there] = await openPair()
      const projects = Array.from({ length: 40 }, () => randomUUID())
      const heard = await Promise.all(projects.map((project_id) => listen(there, project_id)))
      for (const seq of [1, 2, 3]) for (const project_id of projects) here.publish(newsOf(project_id, seq))
      await eventually(() => heard.every((numbers) => numbers.length >= 3))
      expect(heard).toEqual(projects.map(() => [1, 2, 3]))
    })

    it('a project without a listener is silent until it has a listener again', async () => {
      const [here, there] = await openPair()
      const [left, kept] = [randomUUID(), randomUUID()]
      const [before, other] = [await listen(there, left), await listen(there, kept)]
      there.unsubscribe(left)
      for (const project_id of [left, kept]) here.publish(newsOf(project_id, 1))
      await eventually(() => other.length > 0)
      expect(before).toEqual([])
      const after = await listen(there, left)
      here.publish(newsOf(left, 2))
      await eventually(() => after.length > 0)
      expect([before, after]).toEqual([[], [2]])
    })

    it('a listener in the publishing process hears news at once', async () => {
      const [here] = await openPair()
      const project_id = randomUUID()
      const heard = await listen(here, project_id)
      here.publish(newsOf(project_id, 1))
      expect(heard).toEqual([1])
    })

    if (!isShared) return
    it('a bus whose connections broke recovers, and reports that news may have been missed', async () => {
      const [here, there] = await openPair()
      let reconnects = 0
      there.onReconnected(() => reconnects++)
      const projects = Array.from({ length: 10 }, () => randomUUID())
      const heard = await Promise.all(projects.map((project_id) => listen(there, project_id)))
      await ground.interrupt()
      await eventually(() => reconnects > 0)
      await eventually(() => there.state() === 'up')
      for (const [place, project_id] of projects.entries())
        await untilHeard(here, project_id, heard[place] ?? [])
    })
  })
}

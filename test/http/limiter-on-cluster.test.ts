import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectRedis } from '#src/bus/connections.ts'
import { createNewsCodec } from '#src/bus/news.ts'
import { createLimiter } from '#src/http/limiter.ts'
import { isRedisServerMissing, RedisCluster } from '../support/redis-cluster.ts'
import { untilAnswers } from '../support/services.ts'

const POINTS = 5
const codec = createNewsCodec(['a secret key for tests, of a good length'], {
  sender: 'test',
  deployment: 'test',
})

describe.skipIf(isRedisServerMissing)('the limiter on a Redis Cluster with a password', () => {
  let cluster: RedisCluster
  const connections: ReturnType<typeof connectRedis>[] = []
  beforeAll(async () => {
    cluster = await RedisCluster.start({ password: 'p@ss word' })
  })
  afterAll(async () => {
    for (const { limiter, bus } of connections) {
      limiter.disconnect()
      await bus.close()
    }
    await cluster.stop()
  })

  const open = async () => {
    const connection = connectRedis(cluster.url, { codec, onError: () => {} })
    connections.push(connection)
    await untilAnswers(async () => connection.limiter.status === 'ready' && connection.bus.state() === 'up')
    return createLimiter(connection.limiter, {
      name: 'test',
      points: POINTS,
      seconds: 60,
      multiplier: 1,
      insured: () => {},
    })
  }
  const addresses = (count: number) => Array.from({ length: count }, () => randomUUID())
  const consume = (limiter: Awaited<ReturnType<typeof open>>, address: string) =>
    limiter.consume(address).then(
      ({ remainingPoints }) => remainingPoints,
      () => 'refused',
    )

  it('has one budget for all replicas, whichever node has the key', async () => {
    const [here, there] = [await open(), await open()]
    for (const address of addresses(20)) {
      for (const left of [4, 3, 2, 1, 0]) {
        expect(await consume(left % 2 === 0 ? here : there, address)).toBe(left)
      }
      expect(await consume(here, address)).toBe('refused')
    }
  })

  it.each(['kill', 'hang'] as const)(
    'answers within 200 ms with a node gone (%s), and still refuses',
    async (fault) => {
      const limiter = await open()
      // Until it has used its connection to every node.
      for (const address of addresses(20)) await consume(limiter, address)
      await cluster.nodes[0]?.[fault]()
      const times: number[] = []
      for (const address of addresses(15)) {
        for (const left of [4, 3, 2, 1, 0, 'refused']) {
          const start = performance.now()
          expect(await consume(limiter, address)).toBe(left)
          times.push(performance.now() - start)
        }
        const start = performance.now()
        expect((await limiter.get(address))?.consumedPoints).toBe(POINTS + 1)
        times.push(performance.now() - start)
      }
      times.sort((a, b) => a - b)
      // The machine may stall once; the limiter must not.
      expect(times[Math.floor(times.length * 0.9)]).toBeLessThan(200)
      expect(times.at(-1)).toBeLessThan(1_000)
      if (fault === 'kill') cluster.nodes[0]?.restart()
      else cluster.nodes[0]?.resume()
      await cluster.untilWhole()
    },
  )
})

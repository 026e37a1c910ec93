import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cluster, isClusterMissing, startCluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { spawnMany } from '../support/load.ts'
import { isRedisServerMissing } from '../support/redis-cluster.ts'
import { RedisPair } from '../support/redis-pair.ts'
import { type Agent, Rest } from '../support/rest.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { Watcher } from '../support/watcher.ts'

describe.skipIf(isClusterMissing || isRedisServerMissing)('a Redis master that was demoted', () => {
  let redis: RedisPair
  let proxy: TcpProxy
  let cluster: Cluster

  beforeAll(async () => {
    redis = await RedisPair.start()
    proxy = await TcpProxy.to(redis.url(0))
    cluster = await startCluster({ REDIS_URL: proxy.through(redis.url(0)), RATE_LIMIT_MULTIPLIER: '1000' })
  })
  afterAll(async () => {
    await cluster?.stop()
    await proxy?.close()
    await redis?.stop()
  })

  const redisIs = (state: string) =>
    eventually(async () => {
      const ask = async ({ origin }: { origin: string }) => (await fetch(`${origin}/readyz`)).text()
      const answers = await Promise.all(cluster.servers.map(ask))
      return answers.every((text) => text.includes(`"redis":"${state}"`))
    })
  const total = async (name: string) => {
    const counts = await Promise.all(cluster.servers.map((server) => server.metric(name)))
    return counts.reduce((sum, count) => sum + count, 0)
  }
  /** Events that one replica writes one by one, as the other's watcher gets them: by news, not by the tail check. */
  const expectNews = async () => {
    const { fleet, rests, servers } = cluster
    const [agent] = (await spawnMany(fleet, 1)) as [Agent]
    const watcher = new Watcher(servers[1]?.ws ?? '', { token: rests[1]?.token })
    await watcher.next('hello')
    await watcher.ask({ type: 'subscribe', project_id: fleet.project_id }, 'snapshot')
    const before = await total('signalbox_tail_check_finds_total')
    for (let turn = 1; turn <= 5; turn++) {
      const current_task = `turn ${turn}`
      await rests[0]?.patch(`${fleet.agents}/${agent.id}`, { current_task })
      await watcher.next((frame) => (frame.agent as Agent | undefined)?.current_task === current_task)
    }
    expect(await total('signalbox_tail_check_finds_total')).toBe(before)
    await watcher.close()
  }

  it('is noticed, and left once a proxy leads to its successor', { timeout: 60_000 }, async () => {
    await redisIs('ok')
    await expectNews()

    await redis.failOver()
    await redisIs('degraded')
    proxy.follow(redis.url(1))
    await redisIs('ok')

    await expectNews()
    expect(await redis.servers[0].countClients()).toBe(0)
    const insured = await total('signalbox_rate_limit_insurance_total')
    for (const { origin } of cluster.servers) await Rest.at(origin).signIn()
    expect(await total('signalbox_rate_limit_insurance_total')).toBe(insured)
    for (const { warnings } of cluster.servers) {
      expect(warnings.filter((line) => line.includes('leads to a replica'))).toHaveLength(1)
    }
  })
})

import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { channelOf } from '#src/bus/news.ts'
import { eventually } from '../support/eventually.ts'
import { isRedisServerMissing, RedisCluster } from '../support/redis-cluster.ts'
import { connect, DEPLOYMENT, newsOf, untilHeard } from './processes.ts'

describe.skipIf(isRedisServerMissing)('the bus on a Redis Cluster', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await RedisCluster.start()
  })
  afterAll(() => cluster.stop())

  /** For each node, a project whose channel it has. */
  const projectsOfNodes = () => {
    const projects = new Map<number, string>()
    while (projects.size < 3) {
      const project_id = randomUUID()
      projects.set(cluster.placeOf(project_id, DEPLOYMENT), project_id)
    }
    return [0, 1, 2].map((place) => projects.get(place) ?? '')
  }

  it('a subscription follows its slot to another node', async () => {
    const [here, there] = [connect(cluster.url), connect(cluster.url)]
    const [project_id = ''] = projectsOfNodes()
    const heard: number[] = []
    await there.subscribe(project_id, ({ seq }) => heard.push(seq))
    await untilHeard(here, project_id, heard)
    for (const place of [1, 0]) {
      await cluster.move({ project_id, deployment: DEPLOYMENT }, place)
      await untilHeard(here, project_id, heard)
      // Only the new owner has a subscriber, or would take one.
      const count = await cluster.nodes[place]?.ask((redis) =>
        redis.call('pubsub', 'shardnumsub', channelOf(DEPLOYMENT, project_id)),
      )
      expect(count).toEqual([channelOf(DEPLOYMENT, project_id), 1])
    }
  })

  it.each(['kill', 'hang'] as const)(
    'while a node is gone (%s) the bus is down, carries the news of the other nodes and never throws',
    async (fault) => {
      const [here, there] = [connect(cluster.url), connect(cluster.url)]
      const projects = projectsOfNodes()
      const heard: number[][] = projects.map(() => [])
      for (const [place, project_id] of projects.entries()) {
        await there.subscribe(project_id, ({ seq }) => heard[place]?.push(seq))
      }
      await eventually(() => here.state() === 'up' && there.state() === 'up')
      await cluster.nodes[0]?.[fault]()
      await eventually(() => here.state() === 'down' && there.state() === 'down')
      const memory = process.memoryUsage().heapUsed
      for (let seq = 1; seq <= 20_000; seq++) here.publish(newsOf(projects[0] ?? '', seq))
      expect(process.memoryUsage().heapUsed - memory).toBeLessThan(100 * 2 ** 20)
      for (const place of [1, 2]) await untilHeard(here, projects[place] ?? '', heard[place] ?? [])
      if (fault === 'kill') cluster.nodes[0]?.restart()
      else cluster.nodes[0]?.resume()
      await eventually(() => here.state() === 'up' && there.state() === 'up')
      for (const [place, project_id] of projects.entries()) {
        await untilHeard(here, project_id, heard[place] ?? [])
      }
    },
  )

  it('a replica that takes over from a master carries its news', async () => {
    await cluster.addReplicaOf(0)
    const [here, there] = [connect(cluster.url), connect(cluster.url)]
    const [project_id = ''] = projectsOfNodes()
    const heard: number[] = []
    await there.subscribe(project_id, ({ seq }) => heard.push(seq))
    await eventually(() => here.state() === 'up' && there.state() === 'up')
    await cluster.nodes[0]?.kill()
    await eventually(() => here.state() === 'down' && there.state() === 'down')
    await untilHeard(here, project_id, heard)
    await eventually(() => here.state() === 'up' && there.state() === 'up')
  })
})

describe.skipIf(isRedisServerMissing)('a cluster older than Redis 7', () => {
  it('is reported once, and leaves the bus down', async () => {
    const cluster = await RedisCluster.start({ disabled: ['spublish', 'ssubscribe', 'sunsubscribe'] })
    onTestFinished(() => cluster.stop())
    const errors: string[] = []
    const bus = connect(cluster.url, ({ message }) => errors.push(message))
    const projects = Array.from({ length: 5 }, () => randomUUID())
    for (const project_id of projects) await bus.subscribe(project_id, () => {})
    await eventually(() => errors.length > 0)
    for (const project_id of projects) bus.publish(newsOf(project_id, 1))
    expect(bus.state()).toBe('down')
    expect(errors).toEqual([expect.stringMatching(/Redis 7/)])
  })
})

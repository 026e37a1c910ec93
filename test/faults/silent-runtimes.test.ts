import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cluster, isClusterMissing, startCluster } from '../support/cluster.ts'
import { spawnMany } from '../support/load.ts'
import { RawReader } from '../support/raw-reader.ts'
import type { Agent, Rest } from '../support/rest.ts'
import { RuntimeSocket } from '../support/runtime.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { Watcher } from '../support/watcher.ts'

/** They take as long as the protocol's times: side by side, they take as long as the longest. */
describe.skipIf(isClusterMissing)('a runtime that is silent', { timeout: 90_000 }, () => {
  let cluster: Cluster
  let rest: Rest
  let server: ServerProcess
  let agents: Agent[]

  beforeAll(async () => {
    cluster = await startCluster({}, 1)
    rest = cluster.rests[0] as Rest
    server = cluster.servers[0] as ServerProcess
    agents = await spawnMany(cluster.fleet, 10)
  })
  afterAll(() => cluster.stop())

  const watch = async () => {
    const watcher = new Watcher(server.ws, { token: rest.token })
    await watcher.next('hello')
    await watcher.ask({ type: 'subscribe', project_id: cluster.fleet.project_id }, 'snapshot')
    return watcher
  }
  const attach = async (ids: readonly string[]) => {
    const runtime = new RuntimeSocket(server.ws, { token: rest.token })
    await runtime.next('hello')
    for (const id of ids) await runtime.attach(id)
    return runtime
  }

  it.concurrent('on a live link is sent again after 30 s; watchers of a control signal get one event', async () => {
    const { id } = agents[0] as Agent
    const watcher = await watch()
    const runtime = await attach([id])
    await rest.post(`${cluster.fleet.agents}/${id}/pause`)
    await rest.post(`${cluster.fleet.agents}/${id}/signals`, { kind: 'message', payload: { n: 1 } })
    const first = [await runtime.signal(), await runtime.signal()]
    const sent = Date.now()
    const again = [await runtime.signal(), await runtime.signal()]
    expect(Date.now() - sent).toBeGreaterThan(29_000)
    expect(again).toEqual(first.map((signal) => ({ ...signal, attempt: 2 })))
    const isOf = (name: string) => (frame: object) => {
      const event = frame as { name?: unknown; agent?: Agent }
      return event.name === name && event.agent?.id === id
    }
    const overdue = await watcher.next(isOf('agent.signal_overdue'))
    expect(overdue).toMatchObject({ agent: { control: { state: 'delivered' } } })
    await runtime.acknowledge(id, again[0]?.id as string)
    await watcher.next(isOf('agent.signal_acknowledged'))
    const told = watcher.events().filter(isOf('agent.signal_overdue'))
    expect(told).toHaveLength(1)
    for (const socket of [watcher, runtime]) await socket.close()
  })

  it.concurrent('because it is dead is shown disconnected within 45 s', async () => {
    const { id } = agents[1] as Agent
    const attached = Promise.withResolvers<void>()
    const dead = new RawReader(server.ws, rest.token as string, (text) => {
      const frame = JSON.parse(text) as { type: string }
      if (frame.type === 'hello') dead.send({ type: 'attach', agent_id: id })
      if (frame.type === 'attached') attached.resolve()
    })
    await attached.promise
    // It reads no more, and so answers no ping.
    dead.socket.pause()
    const since = Date.now()
    const watcher = await watch()
    await watcher.next(
      (frame) => frame.name === 'agent.runtime_disconnected' && (frame.agent as Agent).id === id,
    )
    expect(Date.now() - since).toBeLessThan(45_000)
    dead.socket.destroy()
    await watcher.close()
  })

  it.concurrent('with over half of its project at once is counted as a mass loss', async () => {
    const ids = agents.slice(2).map((agent) => agent.id)
    const runtime = await attach(ids)
    const before = await server.metric('signalbox_mass_losses_total')
    runtime.socket.terminate()
    while ((await server.metric('signalbox_mass_losses_total')) === before) {
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })
})

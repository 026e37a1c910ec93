import { afterAll, describe, expect, it } from 'vitest'
import { type Cluster, isClusterMissing, startCluster } from '../support/cluster.ts'
import { untilEachAgent } from '../support/fleet-view.ts'
import { spawnMany } from '../support/load.ts'
import { ObedientRuntime } from '../support/obedient-runtime.ts'
import { type Agent, Rest } from '../support/rest.ts'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
type Logged = { name: string; agent: Agent }

// Each has servers of its own, and mostly waits.
describe.skipIf(isClusterMissing).concurrent('runtimes, when the control plane fails,', () => {
  const ends: (() => unknown)[] = []
  afterAll(async () => {
    for (const end of ends.reverse()) await end()
  })

  const open = async (...options: Parameters<typeof startCluster>) => {
    const cluster = await startCluster(...options)
    ends.push(() => cluster.stop())
    return { cluster, token: cluster.rests[0]?.token as string }
  }
  const run = (agents: readonly Agent[], urls: string[], token: string) =>
    agents.map(({ id }) => {
      const runtime = new ObedientRuntime(urls, token, id).start()
      ends.push(() => runtime.stop())
      return runtime
    })
  const urlsOf = (cluster: Cluster) => cluster.servers.map((server) => server.ws)
  /** The agents that were told of as disconnected since a seq. */
  const readLost = async ({ fleet }: Cluster, rest: Rest, after = 0) => {
    const path = `/projects/${fleet.project_id}/events?limit=1000&after=${after}`
    const { body } = await rest.get<{ data: Logged[] }>(path)
    const lost = body.data.filter(({ name }) => name === 'agent.runtime_disconnected')
    return new Set(lost.map(({ agent }) => agent.id))
  }
  const connected = { isSo: (agent: Agent) => agent.runtime.connected, within_ms: 10_000 }

  it('are shown disconnected within 45 s of the death of their replica, unless they have moved', {
    timeout: 90_000,
  }, async () => {
    const { cluster, token } = await open()
    const agents = await spawnMany(cluster.fleet, 40)
    const [first, second] = urlsOf(cluster) as [string, string]
    const staying = run(agents.slice(0, 20), [first], token)
    run(agents.slice(20), [first, second], token)
    const rest = cluster.rests[1] as Rest
    await untilEachAgent(cluster.fleet, rest, connected)
    const path = `/projects/${cluster.fleet.project_id}/events?limit=1`
    const { last_seq } = (await rest.get<{ last_seq: number }>(path)).body
    const killed = Date.now()
    await cluster.servers[0]?.end('SIGKILL')
    const isStaying = new Set(staying.map((runtime) => runtime.agent_id))
    await untilEachAgent(cluster.fleet, rest, {
      isSo: (agent) => agent.runtime.connected !== isStaying.has(agent.id),
      within_ms: 45_000,
    })
    expect(Date.now() - killed).toBeLessThan(45_000)
    expect(await readLost(cluster, rest, last_seq)).toEqual(isStaying)
    expect(await cluster.servers[1]?.metric('signalbox_mass_losses_total')).toBe(0)
  })

  it('outlive a restart of everything: no link is declared lost', { timeout: 90_000 }, async () => {
    const { cluster, token } = await open({ PORT: '0' }, 1)
    const agents = await spawnMany(cluster.fleet, 30)
    const before = run(agents, urlsOf(cluster), token)
    await untilEachAgent(cluster.fleet, cluster.rests[0] as Rest, connected)
    await cluster.servers[0]?.end('SIGKILL')
    // Longer than a replica's lease.
    await pause(22_000)
    const next = await cluster.startServer()
    cluster.servers[0] = next
    const rest = Rest.at(next.origin).as(token)
    for (const runtime of before) runtime.stop()
    await pause(3_000)
    run(agents, [next.ws], token)
    await untilEachAgent(cluster.fleet, rest, connected)
    await pause(30_000)
    expect(await readLost(cluster, rest)).toEqual(new Set())
  })

  it('stay connected while PostgreSQL is away for 25 s, and then get the orders of that time', {
    timeout: 120_000,
  }, async () => {
    const { cluster, token } = await open()
    const agents = await spawnMany(cluster.fleet, 40)
    const runtimes = run(agents, urlsOf(cluster), token)
    const rest = cluster.rests[0] as Rest
    await untilEachAgent(cluster.fleet, rest, connected)
    cluster.postgres.cut()
    // Two leave while nothing can be written of it.
    const gone = new Set(runtimes.slice(0, 2).map((runtime) => runtime.agent_id))
    for (const runtime of runtimes.slice(0, 2)) runtime.stop()
    await pause(25_000)
    cluster.postgres.heal()
    await untilEachAgent(cluster.fleet, rest, {
      isSo: (agent) => agent.runtime.connected !== gone.has(agent.id),
      within_ms: 45_000,
    })
    const { body } = await rest.post<{ affected_count: number }>(`${cluster.fleet.agents}/actions`, {
      action: 'pause',
      all: true,
    })
    expect(body.affected_count).toBe(40)
    await untilEachAgent(cluster.fleet, rest, {
      isSo: (agent) => gone.has(agent.id) || agent.control?.state === 'done',
      within_ms: 10_000,
    })
    expect(await readLost(cluster, rest)).toEqual(gone)
  })
})

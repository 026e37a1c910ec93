import { afterEach, describe, expect, it } from 'vitest'
import { type Cluster, isClusterMissing, startCluster } from '../support/cluster.ts'
import { spawnMany } from '../support/load.ts'
import { ObedientRuntime } from '../support/obedient-runtime.ts'
import { type Agent, Rest } from '../support/rest.ts'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const RUNTIMES = 300
const ACTIONS = 2_000

type SignalRow = { id: string; kind: string; outcome: string | null; payload: { n: number } | null }

describe.skipIf(isClusterMissing)('runtimes on two replicas', () => {
  let cluster: Cluster
  let runtimes: ObedientRuntime[] = []

  afterEach(async () => {
    for (const runtime of runtimes) runtime.stop()
    runtimes = []
    await cluster.stop()
  })

  const start = (agents: readonly Agent[], urls = cluster.servers.map((server) => server.ws)) => {
    const token = cluster.rests[0]?.token as string
    runtimes = agents.map(({ id }) => new ObedientRuntime(urls, token, id).start())
  }
  const listAgents = async (rest: Rest) => {
    const agents: Agent[] = []
    for (let page = 1; ; page++) {
      const { body } = await rest.get<{ data: Agent[]; pagination: { has_next: boolean } }>(
        `${cluster.fleet.agents}?limit=100&page=${page}`,
      )
      agents.push(...body.data)
      if (!body.pagination.has_next) return agents
    }
  }
  /** Asks again until what REST shows is so; fails at the deadline with what it is. */
  const eventually = async (rest: Rest, isSo: (agent: Agent) => boolean, within_ms: number) => {
    const deadline = Date.now() + within_ms
    for (;;) {
      const agents = await listAgents(rest)
      if (agents.every(isSo)) return agents
      if (Date.now() > deadline) throw new Error(JSON.stringify(agents.find((agent) => !isSo(agent))))
      await pause(100)
    }
  }

  it(`lose nothing: ${RUNTIMES} of them cut time and again, ${ACTIONS} actions and messages, one replica killed`, {
    timeout: 180_000,
  }, async () => {
    cluster = await startCluster()
    const agents = await spawnMany(cluster.fleet, RUNTIMES)
    start(agents)
    let isActing = true
    // Each tenth of a second a tenth of them: with the time to come back some 30% are away at any moment.
    const cutting = (async () => {
      while (isActing) {
        for (const runtime of runtimes) if (Math.random() < 0.1) runtime.cut()
        await pause(100)
      }
    })()
    const sent = new Map<string, number>(agents.map(({ id }) => [id, 0]))
    let done = 0
    const act = async (worker: number) => {
      while (done < ACTIONS) {
        const turn = done++
        // A worker has agents of its own, so that their messages are sent in the order of their numbers.
        const own = agents.filter((_, index) => index % 8 === worker)
        const { id } = own[Math.floor(Math.random() * own.length)] as Agent
        const path = `${cluster.fleet.agents}/${id}`
        const rest = cluster.rests[turn % cluster.rests.length] as Rest
        if (turn === ACTIONS / 2) await cluster.servers[0]?.end('SIGKILL').then(() => cluster.rests.shift())
        try {
          if (Math.random() < 0.5) {
            const n = (sent.get(id) ?? 0) + 1
            const { status } = await rest.post(`${path}/signals`, { kind: 'message', payload: { n } })
            expect(status).toBe(201)
            sent.set(id, n)
          } else await rest.post(`${path}/${Math.random() < 0.5 ? 'pause' : 'resume'}`)
        } catch (error) {
          // The replica was killed: what was under way happened or not. REST tells at the end.
          if (!(error instanceof TypeError)) throw error
          sent.set(id, (sent.get(id) ?? 0) + 1)
        }
      }
    }
    await Promise.all(Array.from({ length: 8 }, (_, worker) => act(worker)))
    isActing = false
    await cutting

    const rest = cluster.rests[0] as Rest
    const final = await eventually(rest, (agent) => agent.pending_signals === 0, 60_000)
    expect(Math.max(...runtimes.map((runtime) => runtime.connects))).toBeGreaterThan(5)
    for (const runtime of runtimes) {
      const agent = final.find(({ id }) => id === runtime.agent_id) as Agent
      expect(agent.control?.state ?? 'done').toBe('done')
      expect(runtime.applied).toBe(agent.status === 'paused' ? 'paused' : 'running')
      const { body } = await rest.get<{ data: SignalRow[] }>(
        `${cluster.fleet.agents}/${agent.id}/signals?limit=100`,
      )
      const messages = body.data.filter(({ kind }) => kind === 'message').reverse()
      expect(messages.map(({ outcome }) => outcome)).toEqual(messages.map(() => 'done'))
      // Each once, in order, and every one that was answered.
      expect(runtime.messages).toEqual(messages.map(({ payload }) => payload?.n))
      const unsure = (sent.get(agent.id) ?? 0) - messages.length
      expect(unsure).toBeLessThanOrEqual(1)
      expect(new Set(runtime.faults.map((fault) => fault.slice(0, 6)))).not.toContain('SYS_00')
    }
  })

  it('of a replica that is killed are shown disconnected within 45 s, unless they moved meanwhile', {
    timeout: 90_000,
  }, async () => {
    cluster = await startCluster()
    const agents = await spawnMany(cluster.fleet, 40)
    const [first, second] = cluster.servers.map((server) => server.ws) as [string, string]
    const token = cluster.rests[0]?.token as string
    const staying = agents.slice(0, 20).map(({ id }) => new ObedientRuntime([first], token, id).start())
    const moving = agents.slice(20).map(({ id }) => new ObedientRuntime([first, second], token, id).start())
    runtimes = [...staying, ...moving]
    const rest = cluster.rests[1] as Rest
    await eventually(rest, (agent) => agent.runtime.connected, 10_000)
    const { last_seq } = (
      await rest.get<{ last_seq: number }>(`/projects/${cluster.fleet.project_id}/events?limit=1`)
    ).body
    const killed = Date.now()
    await cluster.servers[0]?.end('SIGKILL')
    const isStaying = new Set(staying.map((runtime) => runtime.agent_id))
    await eventually(rest, (agent) => agent.runtime.connected !== isStaying.has(agent.id), 45_000)
    expect(Date.now() - killed).toBeLessThan(45_000)
    const { body } = await rest.get<{ data: { name: string; agent: Agent }[] }>(
      `/projects/${cluster.fleet.project_id}/events?limit=1000&after=${last_seq}`,
    )
    const lost = body.data.filter(({ name }) => name === 'agent.runtime_disconnected')
    expect(new Set(lost.map(({ agent }) => agent.id))).toEqual(isStaying)
    expect(await cluster.servers[1]?.metric('signalbox_mass_losses_total')).toBe(0)
  })

  it('outlive a restart of the whole control plane: none is declared lost', { timeout: 90_000 }, async () => {
    cluster = await startCluster({ PORT: '0' }, 1)
    const agents = await spawnMany(cluster.fleet, 30)
    start(agents)
    await eventually(cluster.rests[0] as Rest, (agent) => agent.runtime.connected, 10_000)
    await cluster.servers[0]?.end('SIGKILL')
    // Longer than a replica's lease.
    await pause(22_000)
    const next = await cluster.startServer()
    cluster.servers[0] = next
    const rest = Rest.at(next.origin).as(cluster.rests[0]?.token)
    for (const runtime of runtimes) runtime.stop()
    await pause(3_000)
    start(agents, [next.ws])
    await eventually(rest, (agent) => agent.runtime.connected, 10_000)
    await pause(30_000)
    const { body } = await rest.get<{ data: { name: string }[] }>(
      `/projects/${cluster.fleet.project_id}/events?limit=1000`,
    )
    expect(body.data.filter(({ name }) => name === 'agent.runtime_disconnected')).toEqual([])
  })

  it('stay connected, and are told what was asked meanwhile, while PostgreSQL is away for 25 s', {
    timeout: 120_000,
  }, async () => {
    cluster = await startCluster()
    const agents = await spawnMany(cluster.fleet, 40)
    start(agents)
    const rest = cluster.rests[0] as Rest
    await eventually(rest, (agent) => agent.runtime.connected, 10_000)
    cluster.postgres.cut()
    // Two leave while nothing can be written of it.
    const gone = new Set(runtimes.slice(0, 2).map((runtime) => runtime.agent_id))
    for (const runtime of runtimes.slice(0, 2)) runtime.stop()
    await pause(25_000)
    cluster.postgres.heal()
    await eventually(rest, (agent) => agent.runtime.connected !== gone.has(agent.id), 45_000)
    const answer = await rest.post<{ affected_count: number }>(`${cluster.fleet.agents}/actions`, {
      action: 'pause',
      all: true,
    })
    expect(answer.body.affected_count).toBe(40)
    await eventually(rest, (agent) => gone.has(agent.id) || agent.control?.state === 'done', 10_000)
    const { body } = await rest.get<{ data: { name: string; agent: Agent }[] }>(
      `/projects/${cluster.fleet.project_id}/events?limit=1000`,
    )
    const lost = body.data.filter(({ name }) => name === 'agent.runtime_disconnected')
    expect(new Set(lost.map(({ agent }) => agent.id))).toEqual(gone)
  })
})

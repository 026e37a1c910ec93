import { afterEach, describe, expect, it } from 'vitest'
import { type Cluster, isClusterMissing, startCluster } from '../support/cluster.ts'
import { untilEachAgent } from '../support/fleet-view.ts'
import { HttpRuntime } from '../support/http-runtime.ts'
import { spawnMany } from '../support/load.ts'
import { ObedientRuntime } from '../support/obedient-runtime.ts'
import type { Agent, Rest } from '../support/rest.ts'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const RUNTIMES = 150
const ACTIONS = 1_000

type SignalRow = { id: string; kind: string; outcome: string | null; payload: { n: number } | null }

describe.skipIf(isClusterMissing)('runtimes on two replicas', () => {
  let cluster: Cluster
  let runtimes: (ObedientRuntime | HttpRuntime)[] = []

  afterEach(async () => {
    for (const runtime of runtimes) runtime.stop()
    runtimes = []
    await cluster.stop()
  })

  /** Every third one speaks HTTP and nothing else. */
  const start = (agents: readonly Agent[]) => {
    const { servers, fleet } = cluster
    const token = cluster.rests[0]?.token as string
    const [sockets, origins] = [servers.map(({ ws }) => ws), servers.map(({ origin }) => origin)]
    runtimes = agents.map(({ id }, index) =>
      index % 3 === 0
        ? new HttpRuntime(origins, token, `${fleet.agents}/${id}`).start()
        : new ObedientRuntime(sockets, token, id).start(),
    )
  }
  it(`lose nothing: ${RUNTIMES} of them, a third over HTTP, cut time and again, ${ACTIONS} actions and messages, one replica killed`, {
    timeout: 180_000,
  }, async () => {
    cluster = await startCluster()
    const agents = await spawnMany(cluster.fleet, RUNTIMES)
    start(agents)
    let isActing = true
    let isWhole = true
    // Each tenth of a second a tenth of them: with the time to come back some 30% are away at any moment.
    const cutting = (async () => {
      while (isActing) {
        for (const runtime of runtimes) {
          // What a cut takes from a call over HTTP comes again after 30 s: this test need not wait for that at its end.
          const mayCut = isWhole || runtime instanceof ObedientRuntime
          if (mayCut && Math.random() < 0.1) runtime.cut()
        }
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
        if (turn === ACTIONS / 2) isWhole = false
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
    const final = await untilEachAgent(cluster.fleet, rest, {
      isSo: (agent) => agent.pending_signals === 0,
      within_ms: 60_000,
    })
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
      // Each once, in order, and every one that was answered. What was lost over HTTP comes later, after newer ones.
      const overHttp = runtime instanceof HttpRuntime
      const heard = overHttp ? runtime.messages.toSorted((left, right) => left - right) : runtime.messages
      expect(heard).toEqual(messages.map(({ payload }) => payload?.n))
      if (overHttp) {
        expect(agent).toMatchObject({ tasks_completed: heard.length, runtime: { since: null } })
      }
      const unsure = (sent.get(agent.id) ?? 0) - messages.length
      expect(unsure).toBeLessThanOrEqual(1)
      expect(new Set(runtime.faults.map((fault) => fault.slice(0, 6)))).not.toContain('SYS_00')
    }
  })
})

import { afterEach, describe, expect, it } from 'vitest'
import type { AgentRequest } from '#src/domain/request.ts'
import { AskingRuntime } from '../support/asking-runtime.ts'
import { type Cluster, isClusterMissing, startCluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { untilEachAgent } from '../support/fleet-view.ts'
import { readLog } from '../support/load.ts'
import { type Rest, spawn } from '../support/rest.ts'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const AGENTS = 60
const QUESTIONS = 6
const ANSWERERS = 6
const TOTAL = AGENTS * QUESTIONS
/** Of an agent's questions one is left to expire. */
const EXPIRING = 'test:left_alone'

type Page = { data: AgentRequest[]; pagination: { total: number } }

describe.skipIf(isClusterMissing)('requests on two replicas', () => {
  let cluster: Cluster
  let runtimes: AskingRuntime[] = []

  afterEach(async () => {
    for (const runtime of runtimes) runtime.stop()
    await cluster.stop()
  })

  const questionsOf = (agent: number) =>
    Array.from({ length: QUESTIONS }, (_, n) => ({
      request_id: `q${agent}-${n}`,
      message: 'Go on?',
      metadata: { n },
      ...(n === 2 ? { reason: EXPIRING, expires_in: 1_500 } : { reason: 'confirmation', status: 'waiting' }),
    }))

  async function readAll(rest: Rest, path: string): Promise<AgentRequest[]> {
    const all: AgentRequest[] = []
    for (let page = 1; ; page++) {
      const { body } = await rest.get<Page>(`${path}?state=all&limit=100&page=${page}`)
      all.push(...body.data)
      if (body.data.length < 100) return all
    }
  }

  it(`of ${AGENTS} agents, ${TOTAL} in all, are none lost, doubled or answered twice, while connections break, a replica is killed and Redis is away`, {
    timeout: 120_000,
  }, async () => {
    cluster = await startCluster()
    const { fleet, rests, servers } = cluster
    const token = rests[0]?.token ?? ''
    const path = `/projects/${fleet.project_id}/requests`
    const agents = await Promise.all(
      Array.from({ length: AGENTS }, () => spawn(fleet, { status: 'working' })),
    )
    const urls = servers.map(({ ws }) => ws)
    runtimes = agents.map(({ id }, index) =>
      new AskingRuntime(urls, { token, agent_id: id, questions: questionsOf(index) }).start(),
    )
    let isOver = false
    const cutting = (async () => {
      while (!isOver) {
        for (const runtime of runtimes) if (Math.random() < 0.08) runtime.cut()
        await pause(100)
      }
    })()

    /** By request: the notes of the answers that were taken. */
    const taken = new Map<string, string[]>()
    const refusals = new Map<string, number>()
    let given = 0
    const answer = async (rest: Rest, { id }: AgentRequest) => {
      const note = `answer ${given++}`
      const status = given % 4 === 0 ? 'cancelled' : 'resolved'
      const answered = await rest.post(`${path}/${id}/answer`, { status, note })
      if (answered.status === 200) taken.set(id, [...(taken.get(id) ?? []), note])
      else refusals.set(String(answered.status), (refusals.get(String(answered.status)) ?? 0) + 1)
    }
    const answerAll = async () => {
      while (!isOver) {
        const rest = rests[Math.floor(Math.random() * rests.length)] as Rest
        try {
          // All answerers see the same requests, so most get several answers at once.
          const { body } = await rest.get<Page>(`${path}?reason=confirmation&limit=10`)
          for (const request of body.data) await answer(rest, request)
          if (body.data.length === 0) await pause(20)
        } catch (error) {
          // The replica was killed: what was under way happened or not. The log tells at the end.
          if (!(error instanceof TypeError)) throw error
        }
      }
    }
    const answering = Promise.all(Array.from({ length: ANSWERERS }, answerAll))

    const heard = () => runtimes.reduce((sum, { answers }) => sum + answers.length, 0)
    await eventually(() => heard() > TOTAL / 5, 30_000)
    cluster.redis.cut()
    await eventually(() => heard() > (2 * TOTAL) / 5, 30_000)
    cluster.redis.heal()
    await servers[0]?.end('SIGKILL').then(() => rests.shift())
    await eventually(() => runtimes.every(({ isDone }) => isDone), 60_000)
    isOver = true
    await Promise.all([cutting, answering])

    const rest = rests[0] as Rest
    await untilEachAgent(fleet, rest, {
      isSo: (agent) => agent.pending_signals === 0 && agent.open_requests === 0,
      within_ms: 30_000,
    })
    const all = await readAll(rest, path)
    expect(all).toHaveLength(TOTAL)
    expect(new Set(all.map(({ agent_id, request_id }) => `${agent_id} ${request_id}`)).size).toBe(TOTAL)
    const log = await readLog(rest, fleet.project_id)
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
    const opened = Map.groupBy(
      log.filter(({ name }) => name === 'agent.request_opened'),
      ({ request }) => request?.id,
    )
    const ended = Map.groupBy(
      log.filter(({ name }) => name === 'agent.request_ended'),
      ({ request }) => request?.id,
    )
    expect([opened.size, ended.size]).toEqual([TOTAL, TOTAL])
    const byRuntime = new Map(runtimes.map((runtime) => [runtime.agent_id, runtime]))
    for (const { metadata, delivered_at, acknowledged_at, ...request } of all) {
      const { id, agent_id, request_id, state, note } = request
      expect([opened.get(id)?.length, ended.get(id)?.length]).toEqual([1, 1])
      expect(ended.get(id)?.[0]?.request).toEqual({ ...request, delivered_at: null, acknowledged_at: null })
      expect([delivered_at, acknowledged_at]).toEqual([expect.any(String), expect.any(String)])
      expect(metadata).toEqual({ n: Number(request_id.split('-')[1]) })
      const answers = byRuntime.get(agent_id)?.answers.filter((one) => one.request_id === request_id)
      expect(answers).toMatchObject([{ status: state, note }])
      expect(state === 'expired').toBe(request.reason === EXPIRING)
      // An answer whose own answer was lost with the killed replica may have been taken all the same.
      const notes = taken.get(id) ?? []
      expect(notes.length).toBeLessThanOrEqual(1)
      if (notes.length > 0) expect(notes).toEqual([note])
    }
    expect(taken.size).toBeGreaterThanOrEqual(TOTAL - AGENTS - ANSWERERS)
    expect([...refusals.keys()]).toEqual(['409'])
    const codes = new Set(runtimes.flatMap(({ faults }) => faults.map((fault) => fault.slice(0, 6))))
    expect([...codes].filter((code) => !['RT_001', 'RT_002'].includes(code))).toEqual([])
    expect(Math.max(...runtimes.map(({ connects }) => connects))).toBeGreaterThan(3)
    for (const server of servers) expect(server.errors).toEqual([])
  })
})

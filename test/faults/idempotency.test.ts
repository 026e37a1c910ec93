import { afterEach, describe, expect, it } from 'vitest'
import { type Cluster, isClusterMissing, startCluster } from '../support/cluster.ts'
import { readLog } from '../support/load.ts'
import { type Agent, type Fleet, Rest, unique } from '../support/rest.ts'
import type { ServerProcess } from '../support/server-process.ts'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const ROUNDS = 8
const WORKERS = 12
const RETRY_MS = 20_000

type Answered = { body: Agent; location: string | null }

/** A client that spawns under keys, and keeps every answer that it gets. */
class Spawner {
  readonly answers = new Map<string, Answered[]>()
  /** Requests that were cut off: what became of them is not known. */
  readonly broken = new Set<string>()
  readonly #fleet: Fleet

  constructor(fleet: Fleet) {
    this.#fleet = fleet
  }

  /** False: it was cut off, or the server could not do it now. */
  async attempt(rest: Rest, key: string): Promise<boolean> {
    const { agents, agent_type_id } = this.#fleet
    const body = { agent_type_id, name: key, short_term_memory: { key } }
    try {
      const answer = await rest.call<Agent>('POST', agents, body, { 'idempotency-key': key })
      if (answer.status === 503) return false
      expect(answer.status).toBe(201)
      const answered = { body: answer.body, location: answer.headers.get('location') }
      this.answers.set(key, [...(this.answers.get(key) ?? []), answered])
      return true
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      this.broken.add(key)
      return false
    }
  }

  async untilAnswered(rest: Rest, key: string): Promise<void> {
    const deadline = Date.now() + RETRY_MS
    while (!(await this.attempt(rest, key))) {
      if (Date.now() > deadline) throw new Error(`no answer for ${key}`)
      await pause(50)
    }
  }
}

describe.skipIf(isClusterMissing)('requests with an Idempotency-Key on two replicas', () => {
  let cluster: Cluster
  afterEach(() => cluster.stop())

  /** Spawns through a server, some of it through the other at the same time, until the first is killed. */
  const spawnUntilKilled = async (spawner: Spawner, [victim, other]: [Rest, Rest], server: ServerProcess) => {
    const keys: string[] = []
    let isKilled = false
    const work = async () => {
      while (!isKilled) {
        const key = unique('key')
        keys.push(key)
        const attempts = [spawner.attempt(victim, key)]
        if (Math.random() < 0.3) attempts.push(spawner.attempt(other, key))
        await Promise.all(attempts)
      }
    }
    const working = Promise.all(Array.from({ length: WORKERS }, work))
    await pause(20 + Math.random() * 300)
    await server.end('SIGKILL')
    isKilled = true
    await working
    return keys
  }

  const listAgents = async (rest: Rest, { agents }: Fleet) => {
    const all: Agent[] = []
    for (let page = 1; ; page++) {
      const { body } = await rest.get<{ data: Agent[]; pagination: { has_next: boolean } }>(
        `${agents}?limit=100&page=${page}`,
      )
      all.push(...body.data)
      if (!body.pagination.has_next) return all
    }
  }

  it(`are done once each, while a replica is killed ${ROUNDS} times`, { timeout: 180_000 }, async () => {
    cluster = await startCluster()
    const { fleet, servers, rests } = cluster
    const spawner = new Spawner(fleet)
    for (let round = 0; round < ROUNDS; round++) {
      const [at, beside] = [round % 2, (round + 1) % 2]
      const pair: [Rest, Rest] = [rests[at] as Rest, rests[beside] as Rest]
      const keys = await spawnUntilKilled(spawner, pair, servers[at] as ServerProcess)
      await Promise.all(keys.map((key) => spawner.untilAnswered(pair[1], key)))
      const server = await cluster.startServer()
      servers[at] = server
      rests[at] = Rest.at(server.origin).as(fleet.rest.token)
    }
    expect(spawner.broken.size).toBeGreaterThan(ROUNDS)

    const agents = await listAgents(rests[0] as Rest, fleet)
    expect(agents.map(({ name }) => name).sort()).toEqual([...spawner.answers.keys()].sort())
    for (const agent of agents) {
      const answers = spawner.answers.get(agent.name) ?? []
      const expected = { body: agent, location: `/api/v1${fleet.agents}/${agent.id}` }
      expect(answers).toEqual(answers.map(() => expected))
    }
    const log = await readLog(rests[1] as Rest, fleet.project_id)
    expect(log.map(({ seq, name }) => `${seq} ${name}`)).toEqual(
      agents.map((_, index) => `${index + 1} agent.spawned`),
    )
  })
})

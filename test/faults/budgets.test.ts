import { afterAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import type { ProjectBudget } from '#src/domain/project-budget.ts'
import { type Cluster, isClusterMissing, startCluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { untilEachAgent } from '../support/fleet-view.ts'
import { readLog, spawnMany } from '../support/load.ts'
import type { Rest } from '../support/rest.ts'

const AGENTS = 50
const REPORTS = 100
/** Reports of one agent that wait for their answers. */
const UNANSWERED = 10
/** In ten-thousandths: other amounts in each report, so that none can stand in for another. */
const costOf = (agent: number, n: number) => agent * REPORTS + n
const tokensOf = (agent: number, n: number) => 7 * agent + n

/** Reports all that its agent uses, each number until it is answered, on whichever server still runs. */
class Reporter {
  readonly #urls: string[]
  readonly #token: string
  readonly #agent: { id: string; index: number }
  #socket: WebSocket | undefined
  #sent = 0
  reported = 0

  constructor(urls: string[], token: string, agent: { id: string; index: number }) {
    this.#urls = urls
    this.#token = token
    this.#agent = agent
    this.#connect()
  }

  #connect(): void {
    const url = this.#urls[this.#agent.index % this.#urls.length] as string
    const socket = new WebSocket(url, ['signalbox.v1'], {
      headers: { authorization: `Bearer ${this.#token}` },
    })
    this.#socket = socket
    socket.on('open', () => this.#send({ type: 'attach', agent_id: this.#agent.id }))
    socket.on('message', (data) => this.#take(JSON.parse(data.toString())))
    socket.on('error', () => {})
    socket.on('close', () => {
      if (this.reported < REPORTS) setTimeout(() => this.#connect(), 20)
    })
  }

  #send(message: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message))
  }

  #take({ type, n, last_report }: { type: string; n?: number; last_report?: number }): void {
    if (type === 'attached') this.#sent = this.reported = last_report ?? 0
    else if (type === 'reported') this.reported = Math.max(this.reported, n ?? 0)
    else return
    const { id: agent_id, index } = this.#agent
    while (this.#sent < Math.min(REPORTS, this.reported + UNANSWERED)) {
      const n = ++this.#sent
      const cost = String(costOf(index, n)).padStart(5, '0')
      const cost_incurred = `${cost.slice(0, -4)}.${cost.slice(-4)}`
      this.#send({ type: 'report', agent_id, n, usage: { tokens_used: tokensOf(index, n), cost_incurred } })
    }
  }

  close(): void {
    this.#socket?.terminate()
  }
}

describe.skipIf(isClusterMissing)('budgets on two replicas', () => {
  const ends: (() => unknown)[] = []
  afterAll(async () => {
    for (const end of ends.reverse()) await end()
  })
  const sumOf = (part: (agent: number, n: number) => number) => {
    let sum = 0
    for (let agent = 0; agent < AGENTS; agent++) for (let n = 1; n <= REPORTS; n++) sum += part(agent, n)
    return sum
  }

  it(`that are hit by the same ${AGENTS * REPORTS} reports are exact, although one replica is killed`, {
    timeout: 120_000,
  }, async () => {
    const cluster: Cluster = await startCluster()
    ends.push(() => cluster.stop())
    const { fleet, rests, servers } = cluster
    const path = `/projects/${fleet.project_id}/budgets`
    const create = async (body: object) =>
      (await fleet.rest.post<ProjectBudget>(path, { name: 'Crew', window: 'none', ...body })).body
    const cost = sumOf(costOf)
    const half = `${Math.floor(cost / 20_000)}.0000`
    const money = await create({ metric: 'cost', limit: half, warn_at: [0.2, 0.4, 0.6, 0.8], action: 'hold' })
    const tokens = await create({
      metric: 'tokens',
      limit: sumOf(tokensOf),
      warn_at: [0.5, 0.9],
      action: 'notify',
    })
    const agents = await spawnMany(fleet, AGENTS)
    const urls = servers.map(({ ws }) => ws)
    const reporters = agents.map(({ id }, index) => new Reporter(urls, fleet.rest.token ?? '', { id, index }))
    ends.push(() => reporters.map((reporter) => reporter.close()))
    const reported = () => reporters.reduce((sum, one) => sum + one.reported, 0)
    await eventually(() => reported() > (AGENTS * REPORTS) / 3, 60_000)
    await servers[0]?.end('SIGKILL')
    urls.shift()
    await eventually(() => reporters.every((one) => one.reported === REPORTS), 60_000)

    const rest = rests[1] as Rest
    const read = async ({ id }: ProjectBudget) => (await rest.get<ProjectBudget>(`${path}/${id}`)).body
    const digits = String(cost).padStart(5, '0')
    expect(await read(money)).toMatchObject({
      spent: `${digits.slice(0, -4)}.${digits.slice(-4)}`,
      state: 'exceeded',
    })
    expect(await read(tokens)).toMatchObject({ spent: sumOf(tokensOf), state: 'exceeded' })
    await untilEachAgent(fleet, rest, { isSo: ({ status }) => status === 'paused', within_ms: 10_000 })
    const news = (await readLog(rest, fleet.project_id)).filter(({ name }) =>
      name.startsWith('project.budget'),
    )
    const of = ({ id }: ProjectBudget) =>
      news.filter(({ budget }) => budget?.id === id).map(({ name, fraction }) => fraction ?? name)
    expect(of(money)).toEqual([0.2, 0.4, 0.6, 0.8, 'project.budget_exceeded'])
    expect(of(tokens)).toEqual([0.5, 0.9, 'project.budget_exceeded'])
    for (const server of servers) expect(server.errors).toEqual([])
  })
})

/** `npm run bench:rest`: the routes beside bare `node:http` + `pg` with one prepared statement, all in one run. */
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { spawnMany } from '../test/support/load.ts'
import type { Agent, Fleet } from '../test/support/rest.ts'
import { createFleet } from '../test/support/rest.ts'
import { openDatabaseCpu } from './support/database-cpu.ts'
import { httpRequest, loadHttp } from './support/http-load.ts'
import { Measured, pinSelf } from './support/measured.ts'
import { medianRow, publish, type Row, target } from './support/results.ts'
import { openStage, type Stage } from './support/stage.ts'

const RUNS = Number(process.env.BENCH_RUNS ?? 3)
const CONNECTIONS = 32
const REQUESTS = Number(process.env.BENCH_REQUESTS ?? 4_000)
const AGENTS = 320
type Next = (connection: number, turn: number) => { request: string; status: number }

pinSelf()
const rows = new Map<string, Row[]>()
for (let run = 0; run < RUNS; run++) {
  for (const row of await measureAll()) {
    rows.set(String(row.route), [...(rows.get(String(row.route)) ?? []), row])
  }
}
const medians = [...rows.values()].map(medianRow)
publish('rest', medians)
console.table(compareToTargets(medians))
process.exit()

/** With a database of its own, so that each run finds it as the first did. */
async function measureAll(): Promise<Row[]> {
  const stage = await openStage()
  try {
    const databaseCpu = await openDatabaseCpu(stage.databaseUrl)
    return [...(await measureSignalbox(stage, databaseCpu)), ...(await measureLimit(stage, databaseCpu))]
  } finally {
    await stage.end()
  }
}

/** What is common to all loads of a server. */
function on(server: Measured, databaseCpu: () => Promise<number>) {
  const load = {
    port: server.port,
    pid: server.pid,
    databaseCpu,
    connections: CONNECTIONS,
    requests: REQUESTS,
  }
  return (name: string, next: Next) => loadHttp(name, { ...load, next })
}

async function measureLimit({ databaseUrl }: Stage, databaseCpu: () => Promise<number>): Promise<Row[]> {
  const ids = await makeTables(databaseUrl)
  const args = [fileURLToPath(new URL('./peers/http-pg.ts', import.meta.url)), databaseUrl]
  const server = await Measured.start({ command: process.execPath, args, ready: /ready on (\d+)/ })
  const load = on(server, databaseCpu)
  const agent = (connection: number, turn: number) => ids.agents[(connection * 10 + (turn % 10)) % AGENTS]
  const get = (path: string) => ({ request: httpRequest('GET', path), status: 200 })
  const rows = [
    await load('limit: get', (connection, turn) => get(`/get/${agent(connection, turn)}`)),
    await load('limit: list of 20', () => get(`/list/${ids.projects[0]}`)),
    await load('limit: list of 20, JSON by the database', () => get(`/list-json/${ids.projects[0]}`)),
    await load('limit: transition, one project', (connection, turn) =>
      get(`/move/${agent(connection, turn)}`),
    ),
  ]
  await server.stop()
  return rows
}

/** Copies of Signalbox's own rows, in a project of their own. */
async function makeTables(url: string): Promise<{ agents: string[]; projects: string[] }> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  for (const sql of [
    'drop table if exists bench_events, bench_agents, bench_projects',
    'create table bench_projects (id uuid primary key default gen_random_uuid(), event_seq bigint default 0)',
    'create table bench_events (project_id uuid, seq bigint, frame json, primary key (project_id, seq))',
    'create table bench_agents as select * from agents with no data',
    'alter table bench_agents add primary key (id)',
    'create index on bench_agents (project_id, created_at, id)',
    'insert into bench_projects default values',
    `insert into bench_agents select * from agents order by created_at limit ${AGENTS}`,
    "update bench_agents set project_id = p.id, status = 'idle' from bench_projects p",
    'vacuum analyze bench_agents',
  ]) {
    await client.query(sql)
  }
  const list = async (table: string) =>
    (await client.query(`select id from ${table}`)).rows.map(({ id }) => id)
  const ids = { agents: await list('bench_agents'), projects: await list('bench_projects') }
  await client.end()
  return ids
}

async function measureSignalbox(stage: Stage, databaseCpu: () => Promise<number>): Promise<Row[]> {
  const { server, rest, fleet } = await stage.startSignalbox()
  const load = on(server, databaseCpu)
  const token = rest.token ?? ''
  const agents = await spawnAll(fleet, AGENTS)
  const own = (connection: number, turn: number) => agents[(connection * 10 + (turn % 10)) % AGENTS] as Agent
  const base = `/api/v1${fleet.agents}`
  const get = (path: string) => ({ request: httpRequest('GET', path, { token }), status: 200 })
  const write = (method: string, path: string, body: object, status = 200) => ({
    request: httpRequest(method, path, { token, body: JSON.stringify(body) }),
    status,
  })
  const move = (pathOf: (connection: number) => string): Next => {
    // Each connection has an agent of its own, and knows how it left it, over the warm-up too.
    const turns = new Map<number, number>()
    return (connection) => {
      const turn = turns.get(connection) ?? 0
      turns.set(connection, turn + 1)
      return write('POST', `${pathOf(connection)}/${turn % 2 === 0 ? 'pause' : 'resume'}`, {})
    }
  }
  const rows = [
    await load('get', (connection, turn) => get(`${base}/${own(connection, turn).id}`)),
    await load('list of 20', () => get(`${base}?limit=20`)),
    await load('project metrics', () => get(`${base}/metrics`)),
    await load('agent metrics', (connection, turn) => get(`${base}/${own(connection, turn).id}/metrics`)),
    await load('update', (connection, turn) =>
      write('PATCH', `${base}/${own(connection, turn).id}`, { current_task: `task ${turn}` }),
    ),
    await load(
      'transition, one project',
      move((connection) => `${base}/${own(connection, 0).id}`),
    ),
    await load('spawn', () => write('POST', base, { agent_type_id: fleet.agent_type_id, name: 'x' }, 201)),
  ]
  const fleets = await Promise.all(Array.from({ length: CONNECTIONS }, () => createFleet(rest)))
  const firsts = await Promise.all(
    fleets.map(async (one) => `/api/v1${one.agents}/${(await spawnMany(one, 1))[0]?.id}`),
  )
  rows.push(
    await load(
      'transition, 32 projects',
      move((connection) => firsts[connection] as string),
    ),
  )
  await server.stop()
  return rows
}

async function spawnAll(fleet: Fleet, count: number): Promise<Agent[]> {
  const agents: Agent[] = []
  while (agents.length < count) agents.push(...(await spawnMany(fleet, 32)))
  return agents
}

/** The rows of a Hono server with one prepared statement, as multiples of the limit's. */
function compareToTargets(rows: readonly Row[]): Row[] {
  const of = (route: string, column: string) => Number(rows.find((row) => row.route === route)?.[column])
  const targets: Row[] = []
  for (const [route, cpu, rate] of [
    ['get', (2 * 0.14) / 0.08, (0.6 * 5_696) / 10_293],
    ['list of 20', (2 * 0.26) / 0.21, (0.6 * 2_617) / 2_999],
    ['transition, one project', (2 * 0.26) / 0.11, (0.6 * 2_657) / 3_711],
  ] as const) {
    const ofCpu = of(route, 'server CPU ms') / of(`limit: ${route}`, 'server CPU ms')
    const ofRate = of(route, 'requests/s') / of(`limit: ${route}`, 'requests/s')
    targets.push(target(`${route}: CPU <= ${cpu.toFixed(2)} x the limit's`, ofCpu, ofCpu <= cpu))
    targets.push(target(`${route}: requests/s >= ${rate.toFixed(2)} x the limit's`, ofRate, ofRate >= rate))
  }
  const limit = of('limit: transition, one project', 'requests/s')
  for (const route of ['transition, one project', 'transition, 32 projects']) {
    const ratio = of(route, 'requests/s') / limit
    targets.push(target(`${route}: requests/s >= 2 x the limit's, one project`, ratio, ratio >= 2))
  }
  return targets
}

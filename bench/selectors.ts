/**
 * `npm run bench:selectors`: pages of a fleet of 100,000 agents, a plain one beside ones that a selector finds.
 * BENCH_AGENTS: of another size.
 */
import { openDatabaseCpu } from './support/database-cpu.ts'
import { createFleetOf, runSql } from './support/fleet-load.ts'
import { httpRequest, loadHttp } from './support/http-load.ts'
import { pinSelf } from './support/measured.ts'
import { publish, type Row, round, target } from './support/results.ts'
import { openStage } from './support/stage.ts'

const AGENTS = Number(process.env.BENCH_AGENTS ?? 100_000)
const CONNECTIONS = 4
const REQUESTS = 400
/** Every agent has labels; one in a hundred is of the team that is asked for. */
const label = `update agents set labels = jsonb_build_object('team', 't' || (hashtext(id::text) & 1023) % 100, 'env', 'prod')
  where project_id = $1`

pinSelf()
const stage = await openStage()
try {
  const { databaseUrl } = stage
  const signalbox = await stage.startSignalbox()
  const { server, rest } = signalbox
  const fleet = await createFleetOf(signalbox, databaseUrl, { size: AGENTS })
  await runSql(databaseUrl, label, [fleet.id])
  await runSql(databaseUrl, 'vacuum analyze agents')
  const databaseCpu = await openDatabaseCpu(databaseUrl)
  const shape = {
    port: server.port,
    pid: server.pid,
    databaseCpu,
    connections: CONNECTIONS,
    requests: REQUESTS,
  }
  const load = (name: string, query: string): Promise<Row> => {
    const path = `/api/v1${fleet.agents}?limit=20&${query}`
    const request = httpRequest('GET', path, { token: rest.token ?? '' })
    return loadHttp(name, { ...shape, next: () => ({ request, status: 200 }) })
  }
  const rows = [
    await load('page', 'page=1'),
    await load('page, team=t7', 'page=1&selector=team%3Dt7'),
    await load('cursor', 'cursor='),
    await load('cursor, team=t7', 'cursor=&selector=team%3Dt7'),
    await load('cursor, team=none', 'cursor=&selector=team%3Dnone'),
  ]
  publish('selectors', rows)
  const p50 = (name: string) => Number(rows.find(({ route }) => route === name)?.['p50 ms'] ?? 0)
  const costs = (name: string, plain: string) => {
    const ratio = round(p50(name) / p50(plain))
    return target(`${name}: at most 2 x ${plain}`, ratio, ratio <= 2)
  }
  console.table([
    costs('page, team=t7', 'page'),
    costs('cursor, team=t7', 'cursor'),
    costs('cursor, team=none', 'cursor'),
  ])
} finally {
  await stage.end()
}
process.exit()

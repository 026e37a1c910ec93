/**
 * `npm run bench:budgets`: agents report as fast as they are answered, in projects with 0, 1 and 10 budgets that include all of
 * them. The projects take turns on one server, so that each is measured beside the others.
 */
import { spawnMany } from '../test/support/load.ts'
import { createFleet } from '../test/support/rest.ts'
import { openDatabaseCpu } from './support/database-cpu.ts'
import { cpuSeconds, pinSelf } from './support/measured.ts'
import { attachAll, connectReporters, type Reporters, reportAll } from './support/reporters.ts'
import { medianRow, publish, type Row, round, target } from './support/results.ts'
import { openStage, type Signalbox } from './support/stage.ts'

const ROUNDS = Number(process.env.BENCH_RUNS ?? 5)
const BUDGETS = [0, 1, 10]
const SOCKETS = 5
const AGENTS = 50
const REPORTS = Number(process.env.BENCH_REPORTS ?? 40)

type Project = { budgets: number; path: string; reporters: Reporters[]; next: number }

pinSelf()
const stage = await openStage()
try {
  const signalbox = await stage.startSignalbox()
  const databaseCpu = await openDatabaseCpu(stage.databaseUrl)
  const projects: Project[] = []
  for (const budgets of BUDGETS) projects.push(await open(signalbox, budgets))
  const rows = new Map(projects.map((project) => [project, [] as Row[]]))
  for (const project of projects) await report(project)
  for (let round = 0; round < ROUNDS; round++) {
    for (const project of projects) rows.get(project)?.push(await measure(signalbox, project, databaseCpu))
  }
  const medians = await Promise.all(
    projects.map(async (project) => ({
      ...medianRow(rows.get(project) ?? []),
      faults: await countFaults(signalbox, project),
    })),
  )
  const [plain = {}] = medians
  const compared = medians.map((row: Row) => ({
    ...row,
    'x reports/s': round(Number(row['reports/s']) / Number((plain as Row)['reports/s'])),
  }))
  publish('budgets', compared)
  console.table(
    compared.map((row: Row) =>
      target(`${row.budgets} budgets: no sum is wrong`, Number(row.faults), row.faults === 0),
    ),
  )
} finally {
  await stage.end()
}
process.exit()

async function open({ server, rest }: Signalbox, budgets: number): Promise<Project> {
  const fleet = await createFleet(rest)
  const path = `/projects/${fleet.project_id}/budgets`
  const metrics = [
    { metric: 'cost', limit: '9000000000' },
    { metric: 'tokens', limit: 9_000_000_000 },
  ]
  for (let n = 0; n < budgets; n++) {
    await rest.post(path, { name: `Budget ${n}`, window: 'month', ...metrics[n % 2] })
  }
  const reporters: Reporters[] = []
  while (reporters.length < SOCKETS) {
    const ids = (await spawnMany(fleet, AGENTS)).map(({ id }) => id)
    reporters.push(await connectReporters(server.port, rest.token ?? '', ids))
  }
  await Promise.all(reporters.map(attachAll))
  return { budgets, path, reporters, next: 1 }
}

async function report(project: Project): Promise<void> {
  const first = project.next
  project.next += REPORTS
  await Promise.all(project.reporters.map((one) => reportAll(one, first, REPORTS)))
}

async function measure(
  { server }: Signalbox,
  project: Project,
  databaseCpu: Awaited<ReturnType<typeof openDatabaseCpu>>,
): Promise<Row> {
  const before = { cpu: cpuSeconds(server.pid), database: await databaseCpu(), at: performance.now() }
  await report(project)
  const seconds = (performance.now() - before.at) / 1000
  const reports = SOCKETS * AGENTS * REPORTS
  return {
    budgets: project.budgets,
    'reports/s': reports / seconds,
    'server us/report': ((cpuSeconds(server.pid) - before.cpu) / reports) * 1e6,
    'database us/report': (((await databaseCpu()) - before.database) / reports) * 1e6,
  }
}

/** Budgets that do not have what all reports said. */
async function countFaults({ rest }: Signalbox, { path, next }: Project): Promise<number> {
  const { body } = await rest.get<{ data: { metric: string; spent: string | number }[] }>(`${path}?limit=100`)
  const reports = SOCKETS * AGENTS * (next - 1)
  const spent = { tokens: reports * 7, cost: (reports / 10_000).toFixed(4) }
  return body.data.filter((budget) => budget.spent !== spent[budget.metric as keyof typeof spent]).length
}

/** `npm run bench:reports`: 1,000 agents over 10 sockets report as fast as they are answered; then all are paused at once. */
import { spawnMany } from '../test/support/load.ts'
import { cpuSeconds, pinSelf } from './support/measured.ts'
import { attachAll, connectReporters, type Reporters, reportAll, untilCount } from './support/reporters.ts'
import { medianRow, publish, type Row, target } from './support/results.ts'
import { openStage, type Signalbox } from './support/stage.ts'

const RUNS = Number(process.env.BENCH_RUNS ?? 3)
const SOCKETS = 10
const AGENTS = 100
const REPORTS = Number(process.env.BENCH_REPORTS ?? 30)

pinSelf()
const stage = await openStage()
try {
  const rows: Row[] = []
  for (let run = 0; run < RUNS; run++) rows.push(await measure(await stage.startSignalbox()))
  const median = medianRow(rows)
  publish('reports', [median])
  const of = (column: string) => Number(median[column])
  console.table([
    target('>= 5,000 reports a CPU second', of('reports/CPU s'), of('reports/CPU s') >= 5_000),
    target('pausing 1,000 takes under 5 s', of('pause 1,000 s'), of('pause 1,000 s') < 5),
    target('their runtimes have it within 1 s after', of('signals after s'), of('signals after s') < 1),
  ])
} finally {
  await stage.end()
}
process.exit()

async function measure({ server, rest, fleet }: Signalbox): Promise<Row> {
  const fleets: Reporters[] = []
  for (let index = 0; index < SOCKETS; index++) {
    const ids: string[] = []
    while (ids.length < AGENTS) ids.push(...(await spawnMany(fleet, 50)).map(({ id }) => id))
    fleets.push(await connectReporters(server.port, rest.token ?? '', ids))
  }
  const attaching = performance.now()
  await Promise.all(fleets.map((one) => attachAll(one)))
  const attached = performance.now()

  // A warm server is what is measured.
  await Promise.all(fleets.map((one) => reportAll(one, 1, 3)))
  const before = { cpu: cpuSeconds(server.pid), at: performance.now() }
  await Promise.all(fleets.map((one) => reportAll(one, 4, REPORTS)))
  const [cpu, seconds] = [cpuSeconds(server.pid) - before.cpu, (performance.now() - before.at) / 1000]
  const reports = SOCKETS * AGENTS * REPORTS

  const pausing = performance.now()
  const told = Promise.all(fleets.map((one) => untilCount(one, 'signals', AGENTS, () => {})))
  const { body } = await rest.post<{ affected_count: number }>(`${fleet.agents}/actions`, {
    action: 'pause',
    all: true,
  })
  const answered = performance.now()
  await told
  const heard = performance.now()
  const total = await rest.get<{ total_tokens_used: number }>(`${fleet.agents}/metrics`)
  const expected = SOCKETS * AGENTS * (REPORTS + 3) * 7
  for (const { socket } of fleets) socket.end()
  await server.stop()
  return {
    'attach 1,000 s': (attached - attaching) / 1000,
    'reports/s': reports / seconds,
    'reports/CPU s': reports / cpu,
    'pause 1,000 s': (answered - pausing) / 1000,
    'signals after s': Math.max(0, heard - answered) / 1000,
    faults:
      (body.affected_count === SOCKETS * AGENTS ? 0 : 1) +
      (total.body.total_tokens_used === expected ? 0 : 1),
  }
}

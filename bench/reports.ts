/** `npm run bench:reports`: 1,000 agents over 10 sockets report as fast as they are answered; then all are paused at once. */
import { spawnMany } from '../test/support/load.ts'
import { cpuSeconds, pinSelf } from './support/measured.ts'
import { RawSocket } from './support/raw-socket.ts'
import { medianRow, publish, type Row, target } from './support/results.ts'
import { openStage, type Signalbox } from './support/stage.ts'

const RUNS = Number(process.env.BENCH_RUNS ?? 3)
const SOCKETS = 10
const AGENTS = 100
const REPORTS = Number(process.env.BENCH_REPORTS ?? 30)

type Fleet = { ids: string[]; socket: RawSocket; reported: number; signals: number; attached: number }

const markers = {
  attached: Buffer.from('{"type":"attached"'),
  reported: Buffer.from('{"type":"reported"'),
  signals: Buffer.from('{"type":"signal"'),
} as const
type Counted = keyof typeof markers

const waiting = new Map<Fleet, { name: Counted; left: number; resolve: () => void }>()

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
  const fleets: Fleet[] = []
  for (let index = 0; index < SOCKETS; index++) {
    const ids: string[] = []
    while (ids.length < AGENTS) ids.push(...(await spawnMany(fleet, 50)).map(({ id }) => id))
    fleets.push(await connect(server.port, rest.token ?? '', ids))
  }
  const attaching = performance.now()
  await Promise.all(fleets.map((one) => untilCount(one, 'attached', AGENTS, () => attachAll(one))))
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

async function connect(port: number, token: string, ids: string[]): Promise<Fleet> {
  const socket = new RawSocket({
    port,
    path: '/api/v1/ws',
    headers: { Authorization: `Bearer ${token}` },
    onText(buffer, start) {
      for (const [name, marker] of Object.entries(markers)) {
        if (buffer.compare(marker, 0, marker.length, start, start + marker.length) === 0)
          count(one, name as Counted)
      }
    },
  })
  const one: Fleet = { ids, socket, attached: 0, reported: 0, signals: 0 }
  await socket.opened
  return one
}

function count(one: Fleet, name: Counted): void {
  one[name]++
  const wait = waiting.get(one)
  if (wait?.name !== name || --wait.left > 0) return
  waiting.delete(one)
  wait.resolve()
}

function untilCount(one: Fleet, name: Counted, left: number, begin: () => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  waiting.set(one, { name, left, resolve })
  begin()
  return promise
}

function attachAll({ ids, socket }: Fleet): void {
  for (const agent_id of ids) socket.send(JSON.stringify({ type: 'attach', agent_id }))
}

/** Each agent of a socket reports in turn; the server takes as many as it wants. */
function reportAll(one: Fleet, first: number, times: number): Promise<void> {
  return untilCount(one, 'reported', one.ids.length * times, () => {
    for (let n = first; n < first + times; n++) {
      for (const agent_id of one.ids) {
        one.socket.send(
          JSON.stringify({ type: 'report', agent_id, n, usage: { tokens_used: 7, cost_incurred: '0.0001' } }),
        )
      }
    }
  })
}

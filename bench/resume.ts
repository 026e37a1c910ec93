/** `npm run bench:resume`: 1,000 readers come back at once, each with 1,000 missed events. Also start-up and memory. */
import { spawnMany } from '../test/support/load.ts'
import type { Agent, Rest } from '../test/support/rest.ts'
import { seqOf } from './support/event-frame.ts'
import { cpuSeconds, pinSelf, residentBytes } from './support/measured.ts'
import { RawSocket } from './support/raw-socket.ts'
import { medianRow, publish, type Row, target } from './support/results.ts'
import { createTokens, openStage, type Signalbox } from './support/stage.ts'

const RUNS = Number(process.env.BENCH_RUNS ?? 3)
const READERS = 1_000
const MISSED = 1_000
const MEGABYTE = 1024 * 1024

pinSelf()
const stage = await openStage()
try {
  const rows: Row[] = []
  for (let run = 0; run < RUNS; run++) {
    const started = performance.now()
    const signalbox = await stage.startSignalbox()
    const startup = (performance.now() - started) / 1000
    rows.push({ ...(await measure(signalbox)), 'start-up s': startup })
    await signalbox.server.stop()
  }
  const median = medianRow(rows)
  publish('resume', [median])
  const of = (column: string) => Number(median[column])
  console.table([
    target('<= 20 log queries', of('log queries'), of('log queries') <= 20),
    target('done within 3 s', of('seconds'), of('seconds') <= 3),
  ])
} finally {
  await stage.end()
}
process.exit()

async function measure({ server, rest, fleet, origin }: Signalbox): Promise<Row> {
  const agents = await spawnMany(fleet, 50)
  const after = (await rest.get<{ last_seq: number }>(`/projects/${fleet.project_id}/events?limit=1`)).body
    .last_seq
  await writeEvents(rest, fleet.agents, agents)
  const nextToken = await createTokens(rest, READERS)
  const sockets = await Promise.all(
    Array.from({ length: READERS }, async () => {
      const reader = { expected: after + 1, faults: 0, done: Promise.withResolvers<void>() }
      const socket = new RawSocket({
        port: server.port,
        path: '/api/v1/ws',
        headers: { Authorization: `Bearer ${nextToken()}` },
        onText(buffer, start, end) {
          const seq = seqOf(buffer, start, end)
          if (seq === undefined) return
          if (seq !== reader.expected) reader.faults++
          reader.expected = seq + 1
          if (seq === after + MISSED) reader.done.resolve()
        },
      })
      await socket.opened
      return { socket, reader }
    }),
  )
  const before = { queries: await logQueries(origin), cpu: cpuSeconds(server.pid), at: performance.now() }
  const memory = residentBytes(server.pid)
  const subscribe = JSON.stringify({ type: 'subscribe', project_id: fleet.project_id, after })
  for (const { socket } of sockets) socket.send(subscribe)
  await Promise.all(sockets.map(({ reader }) => reader.done.promise))
  const row = {
    seconds: (performance.now() - before.at) / 1000,
    'CPU s': cpuSeconds(server.pid) - before.cpu,
    'log queries': (await logQueries(origin)) - before.queries,
    'memory MB before': memory / MEGABYTE,
    'memory MB after': residentBytes(server.pid) / MEGABYTE,
    faults: sockets.reduce((sum, { reader }) => sum + reader.faults, 0),
  }
  for (const { socket } of sockets) socket.end()
  return row
}

async function writeEvents(rest: Rest, path: string, agents: readonly Agent[]): Promise<void> {
  for (let turn = 0; turn < MISSED / agents.length; turn++) {
    await Promise.all(agents.map(({ id }) => rest.patch(`${path}/${id}`, { current_task: `task ${turn}` })))
  }
}

async function logQueries(origin: string): Promise<number> {
  const text = await (await fetch(`${origin}/metrics`)).text()
  return Number(/^signalbox_log_queries_total (\S+)$/m.exec(text)?.[1])
}

/** `npm run bench:latency`: from a REST call to its frame at each of 500 readers, at 20 and 100 events a second. */
import { connect } from 'node:net'
import { spawnMany } from '../test/support/load.ts'
import { httpRequest } from './support/http-load.ts'
import { cpuSeconds, pinSelf } from './support/measured.ts'
import { watch } from './support/peers.ts'
import { medianRow, percentile, publish, type Row, target } from './support/results.ts'
import { createTokens, openStage, type Signalbox } from './support/stage.ts'

const RUNS = Number(process.env.BENCH_RUNS ?? 3)
const READERS = 500
const SECONDS = 10
const RATES = [20, 100]

/** Notes when each event arrived at each reader, by its seq. */
class Readers {
  readonly arrivals = new Map<number, number[]>()
  faults = 0
  #expected: number[] = []

  static async connect({ server, rest, fleet }: Signalbox): Promise<Readers> {
    const readers = new Readers()
    const nextToken = await createTokens(rest, READERS)
    for (let reader = 0; reader < READERS; reader++) {
      const onSeq = (seq: number) => readers.#take(reader, seq)
      await watch({ port: server.port, token: nextToken(), project_id: fleet.project_id, onSeq })
    }
    return readers
  }

  #take(reader: number, seq: number): void {
    if (seq !== (this.#expected[reader] ?? seq)) this.faults++
    this.#expected[reader] = seq + 1
    const times = this.arrivals.get(seq)
    if (times) times.push(performance.now())
    else this.arrivals.set(seq, [performance.now()])
  }
}

pinSelf()
const stage = await openStage()
try {
  const rows = new Map<number, Row[]>(RATES.map((rate) => [rate, []]))
  for (let run = 0; run < RUNS; run++) {
    const signalbox = await stage.startSignalbox()
    const readers = await Readers.connect(signalbox)
    await measure(signalbox, readers, 100)
    for (const rate of RATES) rows.get(rate)?.push(await measure(signalbox, readers, rate))
    await signalbox.server.stop()
  }
  const medians = [...rows.values()].map(medianRow)
  publish('latency from a REST call to its frame', medians)
  console.table(
    medians.flatMap((row) => [
      target(`${row['events/s']} events/s: p50 <= 10 ms`, Number(row['p50 ms']), Number(row['p50 ms']) <= 10),
      target(`${row['events/s']} events/s: p99 <= 40 ms`, Number(row['p99 ms']), Number(row['p99 ms']) <= 40),
    ]),
  )
} finally {
  await stage.end()
}
process.exit()

async function measure({ server, rest, fleet }: Signalbox, readers: Readers, rate: number): Promise<Row> {
  const [agent] = await spawnMany(fleet, 1)
  const path = `/api/v1${fleet.agents}/${agent?.id}`
  readers.arrivals.clear()
  const cpu = cpuSeconds(server.pid)
  const sent = await writeAt(rate, { port: server.port, path, token: rest.token ?? '' })
  const spent = cpuSeconds(server.pid) - cpu
  const latencies: number[] = []
  for (const [seq, at] of sent)
    for (const arrived of readers.arrivals.get(seq) ?? []) latencies.push(arrived - at)
  return {
    'events/s': rate,
    'p50 ms': percentile(latencies, 0.5),
    'p99 ms': percentile(latencies, 0.99),
    'max ms': percentile(latencies, 1),
    'server CPU ms an event': (spent / sent.size) * 1000,
    missing: sent.size * READERS - latencies.length,
    faults: readers.faults,
  }
}

/** PATCHes at a steady rate over one connection; when each was sent, by the seq of its answer. */
function writeAt(
  rate: number,
  { port, path, token }: { port: number; path: string; token: string },
): Promise<Map<number, number>> {
  const socket = connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  const waiting: number[] = []
  const sent = new Map<number, number>()
  let [left, received] = [rate * SECONDS, '']
  const { promise, resolve } = Promise.withResolvers<Map<number, number>>()
  const timer = setInterval(() => {
    if (left-- <= 0) return clearInterval(timer)
    waiting.push(performance.now())
    socket.write(
      httpRequest('PATCH', path, { token, body: JSON.stringify({ current_task: `task ${left}` }) }),
    )
  }, 1000 / rate)
  socket.on('data', (data) => {
    received += data.toString('latin1')
    for (let end = received.indexOf('\r\n\r\n'); end >= 0; end = received.indexOf('\r\n\r\n')) {
      const length = Number(/content-length: (\d+)/i.exec(received.slice(0, end))?.[1])
      if (received.length < end + 4 + length) return
      const { seq } = JSON.parse(received.slice(end + 4, end + 4 + length)) as { seq: number }
      received = received.slice(end + 4 + length)
      sent.set(seq, waiting.shift() ?? Number.NaN)
      // The answer may overtake the last frames: they have half a second.
      if (sent.size === rate * SECONDS) setTimeout(() => resolve(sent), 500)
    }
  })
  return promise.finally(() => socket.destroy())
}

/** `npm run bench:fanout`: Signalbox beside its yardsticks, all in one run, each frame checked for order and loss. */
import { connectReaders, type Shape } from './support/fan-out-load.ts'
import { pinSelf } from './support/measured.ts'
import { startNchan } from './support/nchan.ts'
import { type Peer, startLoop, startNats, startSignalboxPeer, startSocketIo } from './support/peers.ts'
import { medianRow, publish, type Row, target } from './support/results.ts'
import { openStage } from './support/stage.ts'

const RUNS = Number(process.env.BENCH_RUNS ?? 3)
const shapes: Record<string, Omit<Shape, 'rooms'> & { rooms: number }> = {
  'one at a time, 500 readers': { rooms: 1, readers: 500, inFlight: 1, events: 2_000 },
  '64 in flight, 2,000 readers': { rooms: 1, readers: 2_000, inFlight: 64, events: 2_000 },
  '200 projects of 10 readers': { rooms: 200, readers: 10, inFlight: 64, events: 20_000 },
  '100 events/s, 500 readers': { rooms: 1, readers: 500, inFlight: 1, events: 500, rate: 100 },
}
const chosen = process.env.BENCH_ONLY

pinSelf()
const stage = await openStage()
try {
  for (const [name, shape] of Object.entries(shapes)) {
    if (!chosen || name.startsWith(chosen)) await compare(name, shape)
  }
} finally {
  await stage.end()
}
process.exit()

async function compare(name: string, { rooms: count, ...shape }: (typeof shapes)[string]): Promise<void> {
  const measured = new Map<string, Row[]>()
  for (let run = 0; run < RUNS; run++) {
    const signalbox = await startSignalboxPeer(stage, count * shape.readers)
    const rooms = await signalbox.rooms(count)
    // First comes what is not looked at: the load's own code has to be compiled, too.
    const others: (() => Promise<Peer | undefined>)[] = [
      () => startLoop(stage, 'single'),
      async () => signalbox,
      () => startLoop(stage, 'single'),
      () => startLoop(stage, 'pinging'),
      () => startLoop(stage, 'joined'),
      () => startSocketIo(stage),
      () => startNchan(stage),
      () => startNats(),
    ]
    for (const [turn, start] of others.entries()) {
      const peer = await start()
      if (!peer) continue
      const load = await connectReaders(peer, { rooms, ...shape })
      const row = await load.run(stage.redis)
      if (turn > 0) measured.set(peer.name, [...(measured.get(peer.name) ?? []), row])
      load.end()
      await peer.end()
    }
  }
  const rows = [...measured.values()].map(medianRow)
  publish(`fan-out ${name}`, rows)
  console.table(compareToTargets(name, rows))
}

function compareToTargets(name: string, rows: readonly Row[]): Row[] {
  const cost = (peer: string) =>
    Number(rows.find((row) => String(row.peer).startsWith(peer))?.['CPU s / million'])
  const own = cost('Signalbox')
  const against = (what: string, ratio: number, limit: number) => target(what, ratio, ratio <= limit)
  if (name.startsWith('one')) {
    return [
      against('<= 1.15 x pre-built loop', own / cost('ws, pre'), 1.15),
      against('<= 1.15 x the same with pings', own / cost('the same'), 1.15),
      against('< 1/2 socket.io', own / cost('socket.io'), 0.5),
      against('< nats-server', own / cost('nats'), 1),
      against('<= nchan with Redis', own / cost('nchan'), 1),
    ]
  }
  if (name.startsWith('64')) return [against('<= 1.5 x joined loop', own / cost('ws, joined'), 1.5)]
  if (name.startsWith('200')) return [against('<= 1.2 x pre-built loop', own / cost('ws, pre'), 1.2)]
  return []
}

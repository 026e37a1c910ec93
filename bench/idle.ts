/** `npm run bench:idle`: the memory of 10,000 sockets that are signed in, subscribed, and silent, beside the yardsticks. */
import { setTimeout as sleep } from 'node:timers/promises'
import { connectReaders } from './support/fan-out-load.ts'
import { pinSelf, residentBytes } from './support/measured.ts'
import { type Peer, startLoop, startNats, startSignalboxPeer, startSocketIo } from './support/peers.ts'
import { publish, type Row, target } from './support/results.ts'
import { openStage } from './support/stage.ts'

const SOCKETS = Number(process.env.BENCH_SOCKETS ?? 10_000)
/** Two garbage collections of the young generation and one of the old have had their time. */
const SETTLE_MS = 10_000

pinSelf()
const stage = await openStage()
try {
  const rows: Row[] = []
  const signalbox = await startSignalboxPeer(stage, SOCKETS)
  const [room = ''] = await signalbox.rooms(1)
  const peers: (() => Promise<Peer | undefined>)[] = [
    async () => signalbox,
    () => startLoop(stage, 'joined'),
    () => startSocketIo(stage),
    () => startNats(),
  ]
  for (const start of peers) {
    const peer = await start()
    if (peer) rows.push(await measure(peer, room))
  }
  publish('idle sockets', rows)
  const own = Number(rows[0]?.['KiB a socket'])
  console.table([target('<= 12 KiB a socket', own, own <= 12)])
} finally {
  await stage.end()
}
process.exit()

async function measure(peer: Peer, room: string): Promise<Row> {
  // What the first sockets cost once is not a socket's.
  const shape = { rooms: [room], inFlight: 1, events: 1 }
  const first = await connectReaders(peer, { ...shape, readers: 100 })
  await sleep(SETTLE_MS)
  const before = residentBytes(peer.server.pid)
  const load = await connectReaders(peer, { ...shape, readers: SOCKETS })
  await sleep(SETTLE_MS)
  const kib = (residentBytes(peer.server.pid) - before) / 1024 / SOCKETS
  for (const one of [first, load]) one.end()
  await peer.end()
  return { peer: peer.name, 'KiB a socket': Math.round(kib * 10) / 10, sockets: SOCKETS }
}

/** `npm run bench:growth`: how the cost of a delivery grows with readers and with projects; draws `docs/growth-*.svg`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { connectReaders, type Shape } from './support/fan-out-load.ts'
import { pinSelf } from './support/measured.ts'
import { type Peer, startLoop, startSignalboxPeer } from './support/peers.ts'
import { plot, type Series } from './support/plot.ts'
import { publish, type Row } from './support/results.ts'
import { openStage } from './support/stage.ts'

/**
 * Deliveries: enough that a tick of the CPU clock (10 ms) is a small part of what is measured. Over many projects
 * fewer events share a write, for whoever delivers them: there one event is under way, so that it plays no part.
 */
const growths = {
  readers: {
    title: '64 events under way',
    inFlight: 64,
    deliveries: 600_000,
    sizes: [10, 100, 1_000, 10_000].map((readers) => ({ rooms: 1, readers })),
  },
  projects: {
    title: '10 readers a project, one event at a time',
    inFlight: 1,
    deliveries: 200_000,
    sizes: [1, 10, 100, 1_000].map((rooms) => ({ rooms, readers: 10 })),
  },
}
type What = keyof typeof growths
const folder = new URL('../docs/', import.meta.url)

pinSelf()
const stage = await openStage()
try {
  mkdirSync(folder, { recursive: true })
  for (const what of Object.keys(growths) as What[]) {
    if (!process.env.BENCH_ONLY || process.env.BENCH_ONLY === what) await grow(what)
  }
} finally {
  await stage.end()
}
process.exit()

async function grow(what: What): Promise<void> {
  const { title, inFlight, deliveries, sizes } = growths[what]
  const rows: Row[] = []
  for (const { rooms: count, readers } of sizes) {
    const signalbox = await startSignalboxPeer(stage, count * readers)
    const rooms = await signalbox.rooms(count)
    const shape = { rooms, readers, inFlight, events: Math.ceil(deliveries / readers) }
    for (const peer of [signalbox, await startLoop(stage, 'joined')]) {
      rows.push({ [what]: what === 'readers' ? readers : count, ...(await measure(peer, shape)) })
    }
  }
  publish(`growth with ${what}`, rows)
  const names = [...new Set(rows.map((row) => String(row.peer)))]
  const series: Series[] = names.map((name) => ({
    name,
    points: rows
      .filter((row) => row.peer === name)
      .map((row) => [Number(row[what]), Number(row['CPU s / million'])] as const),
  }))
  const svg = plot(`Cost of a delivery: ${title}`, { x: what, y: 'CPU s a million, Redis included' }, series)
  writeFileSync(new URL(`growth-${what}.svg`, folder), svg)
}

async function measure(peer: Peer, shape: Shape): Promise<Row> {
  const load = await connectReaders(peer, shape)
  const row = await load.run(stage.redis)
  load.end()
  await peer.end()
  return row
}

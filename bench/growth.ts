/** `npm run bench:growth`: how the cost of a delivery grows with readers and with projects; draws `docs/growth-*.svg`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { connectReaders, type Shape } from './support/fan-out-load.ts'
import { pinSelf } from './support/measured.ts'
import { type Peer, startLoop, startSignalboxPeer } from './support/peers.ts'
import { plot, type Series } from './support/plot.ts'
import { publish, type Row } from './support/results.ts'
import { openStage } from './support/stage.ts'

/** Enough that a tick of the CPU clock (10 ms) is a small part of what is measured. */
const DELIVERIES = 400_000
const READERS = [10, 100, 1_000, 10_000]
const PROJECTS = [1, 10, 100, 1_000]
const folder = new URL('../docs/', import.meta.url)

pinSelf()
const stage = await openStage()
try {
  mkdirSync(folder, { recursive: true })
  await grow(
    'readers',
    READERS.map((readers) => ({ rooms: 1, readers })),
  )
  await grow(
    'projects',
    PROJECTS.map((rooms) => ({ rooms, readers: 10 })),
  )
} finally {
  await stage.end()
}
process.exit()

async function grow(
  what: 'readers' | 'projects',
  sizes: readonly { rooms: number; readers: number }[],
): Promise<void> {
  const rows: Row[] = []
  for (const size of sizes) {
    const signalbox = await startSignalboxPeer(stage, size.rooms * size.readers)
    const rooms = await signalbox.rooms(size.rooms)
    const shape = { rooms, readers: size.readers, inFlight: 64, events: Math.ceil(DELIVERIES / size.readers) }
    for (const peer of [signalbox, await startLoop(stage, 'joined')]) {
      rows.push({ [what]: what === 'readers' ? size.readers : size.rooms, ...(await measure(peer, shape)) })
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
  const title = `Cost of a delivery, 64 events under way${what === 'projects' ? ', 10 readers a project' : ''}`
  const svg = plot(title, { x: what, y: 'CPU s a million, Redis included' }, series)
  writeFileSync(new URL(`growth-${what}.svg`, folder), svg)
}

async function measure(peer: Peer, shape: Shape): Promise<Row> {
  const load = await connectReaders(peer, shape)
  const row = await load.run(stage.redis)
  load.end()
  await peer.end()
  return row
}

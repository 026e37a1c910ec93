/**
 * `npm run bench:growth`: how the cost of a delivery grows with readers and with projects (draws `docs/growth-*.svg`), and
 * how that of work on a whole fleet grows with its agents. BENCH_ONLY: one of `readers`, `projects`, `agents`.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { connectReaders, type Shape } from './support/fan-out-load.ts'
import { measureFleetWork } from './support/fleet-work.ts'
import { pinSelf } from './support/measured.ts'
import { type Peer, startLoop, startSignalboxPeer } from './support/peers.ts'
import { plot, type Series } from './support/plot.ts'
import { publish, type Row, round, target } from './support/results.ts'
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
  if (!process.env.BENCH_ONLY || process.env.BENCH_ONLY === 'agents') await growFleet()
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

/** What is done with all agents of a project: CPU of server and database together, for each of them. */
async function growFleet(): Promise<void> {
  const sizes = (process.env.BENCH_SIZES ?? '1000,10000,100000').split(',').map(Number)
  const signalbox = await stage.startSignalbox()
  const rows: Row[] = []
  // A server's code is compiled as it is used: what counts is how it is once that is done.
  await measureFleetWork(signalbox, stage.databaseUrl, 2_000)
  for (const size of sizes) {
    for (const [work, cost] of await measureFleetWork(signalbox, stage.databaseUrl, size)) {
      const us = ((cost.cpu + cost.database_cpu) / size) * 1e6
      rows.push({
        work,
        agents: size,
        seconds: round(cost.seconds),
        'CPU us an agent': round(us),
        'longest stall ms': round(cost.stall_ms),
        'peak MB': round(cost.peak_mb),
      })
    }
  }
  publish('growth with agents', rows)
  const targets = [...new Set(rows.map((row) => String(row.work)))].map((work) => {
    const costs = rows.filter((row) => row.work === work).map((row) => Number(row['CPU us an agent']))
    const growth = (costs.at(-1) ?? 0) / (costs[0] || 1)
    return target(
      `${work}: an agent of ${sizes.at(-1)} costs <= 1.5 x one of ${sizes[0]}`,
      growth,
      growth <= 1.5,
    )
  })
  console.table(targets)
  await signalbox.server.stop()
}

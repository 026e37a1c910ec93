/**
 * `npm run bench:alerts`: two replicas under a steady load without faults, watched by a Prometheus with the alerts as they
 * are deployed. None should fire.
 */
import { readFileSync } from 'node:fs'
import { spawnMany } from '../test/support/load.ts'
import { findPrograms } from '../test/support/programs.ts'
import { deployed, Prometheus } from '../test/support/prometheus.ts'
import { createFleet, type Fleet } from '../test/support/rest.ts'
import { cpuSeconds, pinSelf } from './support/measured.ts'
import { watch } from './support/peers.ts'
import { RawSocket } from './support/raw-socket.ts'
import { publish, round, target } from './support/results.ts'
import { createTokens, openStage, type Signalbox } from './support/stage.ts'

/** The longest `for:` and the longest range of most rules are 5 minutes each. */
const MINUTES = Number(process.env.BENCH_MINUTES ?? 11)
const READERS = 300
const AGENTS = 200
/** What is begun each second, over both replicas, whether or not what was begun before has ended. */
const RATES = { move: 100, read: 400, report: 400 }
const TICKS_A_SECOND = 50

const program = findPrograms(process.env).prometheus
if (!program) throw new Error('bench:alerts needs Prometheus')
const rules = readFileSync(new URL('../ops/prometheus/alerts.yml', import.meta.url), 'utf8')

pinSelf()
const stage = await openStage()
let prometheus: Prometheus | undefined
try {
  const replicas = [await stage.startSignalbox(), await stage.startSignalbox()]
  const instances = replicas.map(({ origin }, index) => ({ instance: `replica-${index + 1}`, origin }))
  prometheus = await Prometheus.start(program, rules, instances, deployed)
  const counts = await load(replicas)
  const fired = await Promise.all(instances.map(({ instance }) => prometheus?.fired(instance) ?? []))
  publish('alerts', [{ minutes: MINUTES, ...counts, fired: fired.flat().join(' ') || 'none' }])
  console.table([
    target('no alert fires', fired.flat().length, fired.flat().length === 0),
    target('all is answered, as it should be', counts.faults, counts.faults === 0),
  ])
} finally {
  await prometheus?.stop()
  await stage.end()
}
process.exit()

type Counts = Record<'moves' | 'reads' | 'reports' | 'deliveries' | 'faults', number> & Record<string, number>

async function load(replicas: readonly Signalbox[]): Promise<Counts> {
  const [{ rest, fleet }] = replicas as [Signalbox]
  const counts: Counts = { moves: 0, reads: 0, reports: 0, deliveries: 0, faults: 0 }
  const ids = await spawnIds(fleet)
  const nextToken = await createTokens(rest, READERS)
  await Promise.all(
    Array.from({ length: READERS }, (_, index) =>
      watch({
        port: (replicas[index % replicas.length] as Signalbox).server.port,
        token: nextToken(),
        project_id: fleet.project_id,
        onSeq: () => counts.deliveries++,
      }),
    ),
  )
  const reporters = await Promise.all(replicas.map((replica) => attach(replica, counts)))
  const call = (turn: number) => (replicas[turn % replicas.length] as Signalbox).rest
  const path = (turn: number) => `${fleet.agents}/${ids[turn % AGENTS]}`
  const begin = {
    move: (turn: number) => {
      const status = Math.floor(turn / AGENTS) % 2 === 0 ? 'working' : 'idle'
      return call(turn).patch(path(turn), { status })
    },
    read: (turn: number) => call(turn).get(path(turn)),
  }
  const ask = (name: 'move' | 'read', turn: number) => {
    begin[name](turn).then(
      ({ status }) => {
        counts[`${name}s`]++
        if (status !== 200) counts.faults++
      },
      () => counts.faults++,
    )
  }

  const before = replicas.map(({ server }) => cpuSeconds(server.pid))
  await atRates((name, turn) => {
    if (name === 'report') reporters[turn % reporters.length]?.(turn)
    else ask(name, turn)
  })
  const used = replicas.map(({ server }, index) => cpuSeconds(server.pid) - (before[index] ?? 0))
  return { ...counts, 'CPU share': round(used.reduce((sum, seconds) => sum + seconds) / (MINUTES * 60)) }
}

function atRates(begin: (name: keyof typeof RATES, turn: number) => void): Promise<void> {
  const turns = { move: 0, read: 0, report: 0 }
  const started = performance.now()
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setInterval(() => {
    const seconds = (performance.now() - started) / 1000
    for (const name of Object.keys(RATES) as (keyof typeof RATES)[]) {
      while (turns[name] < seconds * RATES[name]) begin(name, turns[name]++)
    }
    if (seconds < MINUTES * 60) return
    clearInterval(timer)
    resolve()
  }, 1000 / TICKS_A_SECOND)
  return promise
}

async function spawnIds(fleet: Fleet): Promise<string[]> {
  const ids: string[] = []
  while (ids.length < AGENTS) ids.push(...(await spawnMany(fleet, 50)).map(({ id }) => id))
  return ids
}

/** Runtimes of a project of their own, on one socket; the result has the next of them report. */
async function attach({ server, rest }: Signalbox, counts: Counts): Promise<(turn: number) => void> {
  const ids = await spawnIds(await createFleet(rest))
  const attached = Promise.withResolvers<void>()
  let left = ids.length
  const socket = new RawSocket({
    port: server.port,
    path: '/api/v1/ws',
    headers: { Authorization: `Bearer ${rest.token}` },
    onText(buffer, start, end) {
      const type = buffer.subarray(start + 9, start + 17).toString()
      if (type === 'attached' && --left === 0) attached.resolve()
      if (type === 'reported') counts.reports++
      if (type.startsWith('error')) {
        counts.faults++
        console.error(buffer.subarray(start, end).toString())
      }
    },
  })
  await socket.opened
  for (const agent_id of ids) socket.send(JSON.stringify({ type: 'attach', agent_id }))
  await attached.promise
  const told = new Map<string, number>()
  return (turn) => {
    const agent_id = ids[Math.floor(turn / 2) % ids.length] as string
    const n = (told.get(agent_id) ?? 0) + 1
    told.set(agent_id, n)
    socket.send(JSON.stringify({ type: 'report', agent_id, n, usage: { tokens_used: 7 } }))
  }
}

/** `npm run bench:fleet`: one order for a fleet of 100,000, while others use the server. BENCH_AGENTS: of another size. */
import { createFleetOf, measureWork, startRequests } from './support/fleet-load.ts'
import { watch } from './support/peers.ts'
import { publish, type Row, round, target } from './support/results.ts'
import { openStage } from './support/stage.ts'

const AGENTS = Number(process.env.BENCH_AGENTS ?? 100_000)
/** What no agent's bytes may bring about: control characters are six times as long in JSON. */
const LARGE_AGENTS = AGENTS / 50
const LARGE_TASK = '\u0001'.repeat(32_768)

const stage = await openStage()
try {
  const signalbox = await stage.startSignalbox({}, { isPinned: false })
  const { server, rest } = signalbox
  const { databaseUrl } = stage
  const other = await createFleetOf(signalbox, databaseUrl, { size: 20 })
  const { body: list } = await rest.get<{ data: { id: string }[] }>(`${other.agents}?limit=20`)
  const [own] = list.data
  if (!own) throw new Error('the other project has no agents')

  const rows: Row[] = []
  const measure = async (name: string, project: { id: string }, order: () => Promise<{ status: number }>) => {
    // Each watcher gets each event once, in order.
    let [seen, faults] = [0, 0]
    const first = (await rest.get<{ last_seq: number }>(`/projects/${project.id}/events?limit=1`)).body
      .last_seq
    const all = Promise.withResolvers<void>()
    let expected = Number.POSITIVE_INFINITY
    const socket = await watch({
      port: server.port,
      token: rest.token ?? '',
      project_id: project.id,
      onSeq(seq) {
        if (seq !== first + ++seen) faults++
        if (seq >= expected) all.resolve()
      },
    })
    const others = startRequests([
      () => rest.get(`${other.agents}/${own.id}`),
      () => rest.patch(`${other.agents}/${own.id}`, { tokens_used: 1 }),
    ])
    let answered = 0
    const cost = await measureWork(signalbox, databaseUrl, async () => {
      const at = performance.now()
      if ((await order()).status !== 200) faults++
      answered = (performance.now() - at) / 1000
      const log = await rest.get<{ last_seq: number }>(`/projects/${project.id}/events?limit=1`)
      expected = log.body.last_seq
      if (first + seen >= expected) all.resolve()
      await all.promise
    })
    const latency = await others.stop()
    socket.socket.destroy()
    rows.push({
      order: name,
      events: seen,
      'answered s': round(answered),
      'watched s': round(cost.seconds),
      'server CPU s': round(cost.cpu),
      'database CPU s': round(cost.database_cpu),
      'peak MB': round(cost.peak_mb),
      'longest stall ms': round(cost.stall_ms),
      'others p50 ms': round(latency.p50),
      'others p99 ms': round(latency.p99),
      faults: faults + latency.faults,
    })
    console.table(rows.at(-1))
  }
  const act = (agents: string, action: string) => () => rest.post(`${agents}/actions`, { action, all: true })

  const fleet = await createFleetOf(signalbox, databaseUrl, { size: AGENTS })
  await measure(`pause ${AGENTS}`, fleet, act(fleet.agents, 'pause'))
  await measure(`rename a project of ${AGENTS}`, fleet, () =>
    rest.patch(`/projects/${fleet.id}`, { name: 'Renamed' }),
  )
  await measure(`terminate ${AGENTS}`, fleet, act(fleet.agents, 'terminate'))
  const large = await createFleetOf(signalbox, databaseUrl, { size: LARGE_AGENTS, task: LARGE_TASK })
  await measure(`pause ${LARGE_AGENTS} with large tasks`, large, act(large.agents, 'pause'))

  publish('fleet', rows)
  const worst = (column: string) => Math.max(...rows.map((row) => Number(row[column])))
  console.table([
    target('an order takes under 20 s', worst('answered s'), worst('answered s') < 20),
    target(
      'no turn of the event loop over 100 ms',
      worst('longest stall ms'),
      worst('longest stall ms') < 100,
    ),
    target('the process stays under 700 MB', worst('peak MB'), worst('peak MB') < 700),
    target("other projects' p99 under 250 ms", worst('others p99 ms'), worst('others p99 ms') < 250),
    target('each event once, no request refused', worst('faults'), worst('faults') === 0),
  ])
} finally {
  await stage.end()
}
process.exit()

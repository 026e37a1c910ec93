/** `npm run bench:holds`: a hold over 10,000 agents, and its release, while others use the same project. BENCH_AGENTS: more of them. */
import { createFleetOf, measureWork, runSql, startRequests } from './support/fleet-load.ts'
import { publish, type Row, round, target } from './support/results.ts'
import { openStage } from './support/stage.ts'

const AGENTS = Number(process.env.BENCH_AGENTS ?? 10_000)

const stage = await openStage()
try {
  const signalbox = await stage.startSignalbox({}, { isPinned: false })
  const { rest } = signalbox
  const { databaseUrl } = stage
  const fleet = await createFleetOf(signalbox, databaseUrl, { size: AGENTS })
  const other = await createFleetOf(signalbox, databaseUrl, { size: 20 })
  const firstOf = async (agents: string) => {
    const { body } = await rest.get<{ data: { id: string }[] }>(`${agents}?limit=1`)
    return `${agents}/${body.data[0]?.id}`
  }
  const [own, elsewhere] = [await firstOf(fleet.agents), await firstOf(other.agents)]
  const holds = `/projects/${fleet.id}/holds`
  const rows: Row[] = []
  const measure = async (name: string, work: () => Promise<{ status: number; count: number }>) => {
    const ofProject = startRequests([
      () => rest.get(own),
      () => rest.patch(own, { tokens_used: Math.floor(performance.now()) }),
    ])
    const ofOthers = startRequests([
      () => rest.get(elsewhere),
      () => rest.patch(elsewhere, { tokens_used: Math.floor(performance.now()) }),
    ])
    let count = 0
    let faults = 0
    const cost = await measureWork(signalbox, databaseUrl, async () => {
      const answer = await work()
      count = answer.count
      if (answer.status >= 300) faults++
    })
    const [same, others] = [await ofProject.stop(), await ofOthers.stop()]
    rows.push({
      work: name,
      agents: count,
      s: round(cost.seconds),
      'server CPU s': round(cost.cpu),
      'database CPU s': round(cost.database_cpu),
      'peak MB': round(cost.peak_mb),
      'longest stall ms': round(cost.stall_ms),
      'same project p50 ms': round(same.p50),
      'same project p99 ms': round(same.p99),
      'others p99 ms': round(others.p99),
      faults: faults + same.faults + others.faults,
    })
    console.table(rows.at(-1))
  }

  let id = ''
  await measure(`hold ${AGENTS}`, async () => {
    const { status, body } = await rest.post<{ id: string; affected_count: number }>(holds, {
      reason: 'storm',
    })
    id = body.id
    return { status, count: body.affected_count }
  })
  await measure(`release ${AGENTS}`, async () => {
    const { status, body } = await rest.delete<{ affected_count: number }>(`${holds}/${id}`)
    return { status, count: body.affected_count }
  })
  // One root, and all others below it.
  await runSql(
    databaseUrl,
    `with root as (
       update agents set has_children = true, labels = '{"is":"root"}'
       where id = (select id from agents where project_id = $1 order by id limit 1) returning id
     )
     update agents a set parent_id = root.id, depth = 2 from root where a.project_id = $1 and a.id <> root.id`,
    [fleet.id],
  )
  await measure(`hold a root with ${AGENTS - 1} below it`, async () => {
    const { status, body } = await rest.post<{ affected_count: number }>(holds, {
      reason: 'storm',
      selector: 'is=root',
    })
    return { status, count: body.affected_count }
  })

  publish('holds', rows)
  const worst = (column: string) => Math.max(...rows.map((row) => Number(row[column])))
  console.table([
    target('a hold takes under 10 s', worst('s'), worst('s') < 10),
    target(
      'every agent is paused and resumed',
      AGENTS,
      rows.every(({ agents }) => agents === AGENTS),
    ),
    target(
      "the same project's p99 under 200 ms",
      worst('same project p99 ms'),
      worst('same project p99 ms') < 200,
    ),
    target("other projects' p99 under 200 ms", worst('others p99 ms'), worst('others p99 ms') < 200),
    target(
      'no turn of the event loop over 100 ms',
      worst('longest stall ms'),
      worst('longest stall ms') < 100,
    ),
    target('no request refused', worst('faults'), worst('faults') === 0),
  ])
} finally {
  await stage.end()
}
process.exit()

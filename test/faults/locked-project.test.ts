import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Cluster, isClusterMissing, startCluster } from '../support/cluster.ts'
import { withServer } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import {
  type Agent,
  type Answer,
  createFleet,
  type Failure,
  type Fleet,
  Rest,
  spawn,
  unique,
} from '../support/rest.ts'

/** Longer than a request waits for a lock. */
const LOCKED_MS = 13_000
const BEFORE_MS = 2_000
/** More than what the machine takes without a locked project. */
const SLOW_MS = 200
/** The test shares its machine: one long turn of a neighbour must not fail it, a wait for a lock must. */
const VERY_SLOW_MS = 4_000

const LOCKED_OUT = 'Other work on the same project held a lock for too long; try again'

type Measured = { what: string; status: number; ms: number }

function quantile(measured: readonly Measured[], share: number): number {
  const times = measured.map(({ ms }) => ms).sort((left, right) => left - right)
  return times[Math.floor(times.length * share)] ?? 0
}

type Call = (rest: Rest, fleet: Fleet, agent: Agent) => Promise<Answer<unknown>>

const keyed = () => ({ 'idempotency-key': unique('key') })
const spawnInput = ({ agent_type_id }: Fleet) => ({ agent_type_id, name: 'Ada' })

/** Each way in which work of a project waits for its locks. */
const writes: Record<string, Call> = {
  change: (rest, { agents }, { id }) => rest.patch(`${agents}/${id}`, { tokens_used: 1 }),
  spawn: (rest, fleet) => rest.post(fleet.agents, spawnInput(fleet)),
  'spawn with a key': (rest, fleet) => rest.call('POST', fleet.agents, spawnInput(fleet), keyed()),
  issue: (rest, { project_id }) => rest.post(`/projects/${project_id}/issues`, { title: 'Fix' }),
  'issue with a key': (rest, { project_id }) =>
    rest.call('POST', `/projects/${project_id}/issues`, { title: 'Fix' }, keyed()),
  'bulk action': (rest, { agents }) => rest.post(`${agents}/actions`, { action: 'pause', all: true }),
  rename: (rest, { project_id }) => rest.patch(`/projects/${project_id}`, { name: 'Line' }),
  'API key': (rest, { project_id }) => rest.post('/api-keys', { name: 'a key', project_id, role: 'viewer' }),
}
const reads: Record<string, Call> = {
  agent: (rest, { agents }, { id }) => rest.get(`${agents}/${id}`),
  agents: (rest, { agents }) => rest.get(agents),
  log: (rest, { project_id }) => rest.get(`/projects/${project_id}/events`),
}

describe.skipIf(isClusterMissing)('a project that another transaction has locked', () => {
  let cluster: Cluster
  let locked: { fleet: Fleet; agent: Agent }
  let free: { fleet: Fleet; agent: Agent }
  let locker: pg.Client
  beforeEach(async () => {
    cluster = await startCluster()
    const open = async () => {
      const fleet = await createFleet(cluster.fleet.rest)
      return { fleet, agent: await spawn(fleet) }
    }
    locked = await open()
    free = await open()
    locker = new pg.Client({ connectionString: cluster.databaseUrl })
    await locker.connect()
  }, 120_000)
  afterEach(async () => {
    await locker.end()
    await cluster.stop()
  })

  const rests = () => cluster.servers.map(({ origin }) => Rest.at(origin).as(cluster.fleet.rest.token))
  const lock = async () => {
    await locker.query('begin')
    await locker.query('select id from projects where id = $1 for update', [locked.fleet.project_id])
  }

  /** Works on the free project, and reads the locked one, through each replica. */
  const measureFor = async (duration_ms: number): Promise<Measured[]> => {
    const until = performance.now() + duration_ms
    const measured: Measured[] = []
    const measure = async (what: string, call: () => Promise<{ status: number }>) => {
      const started = performance.now()
      const { status } = await call()
      measured.push({ what, status, ms: Math.round(performance.now() - started) })
    }
    const work = async ({ origin }: { origin: string }) => {
      const rest = Rest.at(origin).as(cluster.fleet.rest.token)
      const { fleet, agent } = free
      while (performance.now() < until) {
        for (const [what, call] of Object.entries({ ...reads, ...writes })) {
          await measure(what, () => call(rest, fleet, agent))
        }
        for (const [what, call] of Object.entries(reads)) {
          await measure(`${what} of the locked one`, () => call(rest, locked.fleet, locked.agent))
        }
        await measure('readyz', () => fetch(`${origin}/readyz`))
      }
    }
    await Promise.all(cluster.servers.map(work))
    return measured
  }

  it('fails its own writes alone, with a 503, on every replica', { timeout: 120_000 }, async () => {
    const before = await measureFor(BEFORE_MS)
    await lock()
    const refused = rests().flatMap((rest) =>
      Object.entries(writes).flatMap(([what, call]) =>
        Array.from({ length: 4 }, async () => ({ what, ...(await call(rest, locked.fleet, locked.agent)) })),
      ),
    )
    const refusals = Promise.all(refused)
    refusals.catch(() => {})
    const during = await measureFor(LOCKED_MS)

    const bad = during.filter(({ status, ms }) => status >= 300 || ms > VERY_SLOW_MS)
    expect(bad).toEqual([])
    expect(quantile(during, 0.95)).toBeLessThan(SLOW_MS + quantile(before, 0.95))

    const answers = (await refusals) as (Answer<Failure> & { what: string })[]
    const other = answers
      .map(({ what, status, body }) => ({ what, status, error: body.errors?.[0] }))
      .filter(
        ({ status, error }) => `${status} ${error?.code} ${error?.message}` !== `503 DB_001 ${LOCKED_OUT}`,
      )
    expect(other).toEqual([])
    for (const { headers } of answers) expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/)

    await locker.query('rollback')
    for (const rest of rests()) {
      for (const call of Object.values(writes)) {
        await eventually(async () => (await call(rest, locked.fleet, locked.agent)).status < 300)
      }
    }
  })

  it('keeps no pause of another project from ending in time', { timeout: 120_000 }, async () => {
    const pause = ({ fleet, agent }: typeof free) =>
      fleet.rest.post(`${fleet.agents}/${agent.id}/pause`, { resume_after: 1 })
    await pause(locked)
    await lock()
    // Asked outside the transaction, in which PostgreSQL keeps showing what was so at the first look.
    await withServer(cluster.databaseUrl, (client) =>
      eventually(async () => {
        const waiting = await client.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
        return (waiting.rowCount ?? 0) > 0
      }),
    )
    const started = performance.now()
    expect((await pause(free)).status).toBe(200)
    const status = async () =>
      (await free.fleet.rest.get<Agent>(`${free.fleet.agents}/${free.agent.id}`)).body.status
    await eventually(async () => (await status()) === 'idle')
    expect(performance.now() - started).toBeLessThan(5_000)
  })
})

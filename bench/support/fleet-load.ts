import pg from 'pg'
import { fillFleetText } from '../../test/support/load.ts'
import { openDatabaseCpu } from './database-cpu.ts'
import { cpuSeconds, residentBytes } from './measured.ts'
import { percentile } from './results.ts'
import type { Signalbox } from './stage.ts'

export type Project = { id: string; agents: string }

/** Runs one statement beside the server, as nothing that the server does. */
export async function runSql(databaseUrl: string, text: string, values: unknown[] = []): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const { rowCount } = await client.query(text, values)
  await client.end()
  return rowCount ?? 0
}

/** A new project with that many idle agents. They are inserted directly, because the bench does not measure spawning. */
export async function createFleetOf(
  { rest, fleet: { agent_type_id } }: Pick<Signalbox, 'rest' | 'fleet'>,
  databaseUrl: string,
  { size, task = null }: { size: number; task?: string | null },
): Promise<Project> {
  const slug = `fleet-${size}-${process.hrtime.bigint()}`
  const { body } = await rest.post<{ id: string }>('/projects', { name: 'Fleet', slug })
  await runSql(databaseUrl, fillFleetText, [body.id, agent_type_id, task, size])
  await runSql(databaseUrl, 'analyze agents')
  return { id: body.id, agents: `/projects/${body.id}/agents` }
}

export type Cost = { seconds: number; cpu: number; database_cpu: number; peak_mb: number; stall_ms: number }

/** Does some work, and tells what it cost the server: the longest delay of its event loop and its most memory, too. */
export async function measureWork(
  { server, origin }: Pick<Signalbox, 'server' | 'origin'>,
  databaseUrl: string,
  work: () => Promise<unknown>,
): Promise<Cost> {
  const databaseCpu = await openDatabaseCpu(databaseUrl)
  // The maximum counts from one look to the next.
  await readStall(origin)
  const before = { cpu: cpuSeconds(server.pid), database: await databaseCpu(), at: performance.now() }
  let peak = residentBytes(server.pid)
  const watch = setInterval(() => {
    peak = Math.max(peak, residentBytes(server.pid))
  }, 50)
  await work()
  clearInterval(watch)
  return {
    seconds: (performance.now() - before.at) / 1000,
    cpu: cpuSeconds(server.pid) - before.cpu,
    database_cpu: (await databaseCpu()) - before.database,
    peak_mb: peak / 1024 / 1024,
    stall_ms: await readStall(origin),
  }
}

async function readStall(origin: string): Promise<number> {
  const text = await (await fetch(`${origin}/metrics`)).text()
  return Number(/^nodejs_eventloop_lag_max_seconds (\S+)/m.exec(text)?.[1]) * 1000
}

/** Requests to a project, one kind after the other, until `stop`, which tells how long they took. */
export function startRequests(requests: readonly (() => Promise<{ status: number }>)[]): {
  stop: () => Promise<{ p50: number; p99: number; count: number; faults: number }>
} {
  const latencies: number[] = []
  let [isDone, faults] = [false, 0]
  const work = async (request: () => Promise<{ status: number }>) => {
    while (!isDone) {
      const at = performance.now()
      if ((await request()).status !== 200) faults++
      latencies.push(performance.now() - at)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const working = Promise.all(requests.map(work))
  return {
    async stop() {
      isDone = true
      await working
      const [p50, p99] = [percentile(latencies, 0.5), percentile(latencies, 0.99)]
      return { p50, p99, count: latencies.length, faults }
    },
  }
}

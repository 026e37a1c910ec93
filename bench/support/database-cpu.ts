import { readdirSync, readFileSync } from 'node:fs'
import pg from 'pg'
import { cpuSeconds, endedChildrenSeconds } from './measured.ts'

/** CPU seconds of the PostgreSQL server at a URL, all its processes together; those that ended count until then. */
export async function openDatabaseCpu(url: string): Promise<() => Promise<number>> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  await client.end()
  const parent = parentOf(rows[0]?.pid ?? 0) || postmasterByName()
  return async () => {
    // Of those that have ended the parent keeps the sum.
    let seconds = endedChildrenSeconds(parent)
    for (const name of readdirSync('/proc')) {
      const pid = Number(name)
      if (!Number.isInteger(pid)) continue
      try {
        if (pid === parent || parentOf(pid) === parent) seconds += cpuSeconds(pid)
      } catch {
        // It has just ended.
      }
    }
    return seconds
  }
}

function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return 0
  }
}

function postmasterByName(): number {
  const isPostmaster = (pid: string) => {
    try {
      return /^postgres/.test(readFileSync(`/proc/${pid}/comm`, 'utf8')) && parentOf(Number(pid)) <= 1
    } catch {
      return false
    }
  }
  return Number(readdirSync('/proc').find((name) => /^\d+$/.test(name) && isPostmaster(name)) ?? 0)
}

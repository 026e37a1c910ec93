import { migrations } from '../../migrations/index.ts'
import { type Database, sharedRead } from './database.ts'
import { type DatabaseTrouble, passingFailure } from './failures.ts'

// `for update` fails in a read-only transaction. It locks no row here, so it may share a connection with reads.
const probe = sharedRead('probe_writable', 'select from replicas where false for update')
const applied = sharedRead('applied_migrations', 'select name from mikro_orm_migrations')

export type Readiness = {
  database: 'ok' | 'unreachable' | DatabaseTrouble
  migrations: 'ok' | 'pending' | 'unknown'
}

/**
 * Whether the database can be read and written, and has every table that this release needs. The check shares a
 * connection with other reads, so it does not show how many connections are free. Never rejects.
 */
export async function readReadiness(database: Database): Promise<Readiness> {
  try {
    const [, rows] = await Promise.all([database.run(probe), database.run<{ name: string }>(applied)])
    const names = new Set(rows.map(({ name }) => name))
    const isPending = Object.keys(migrations).some((name) => !names.has(name))
    return { database: database.trouble() ?? 'ok', migrations: isPending ? 'pending' : 'ok' }
  } catch (error) {
    return { database: passingFailure(error)?.state ?? 'unreachable', migrations: 'unknown' }
  }
}

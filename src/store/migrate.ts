import type { Pool } from 'pg'
import type { DatabaseLocation, Orm } from './orm.ts'

/** Any number that no other program uses on the same database. */
const LOCK = 7_304_522_119

/** Brings the schema up to date. Replicas that start together take turns: the first does it. */
export async function migrate(orm: Orm, location: DatabaseLocation): Promise<void> {
  if (!('url' in location)) {
    await orm.migrator.up()
    return
  }
  const pool = (await orm.em.getConnection().getNativeClient()) as unknown as Pool
  const client = await pool.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK])
    await orm.migrator.up()
  } finally {
    // Ending the connection gives the lock back, whatever became of it.
    client.release(true)
  }
}

export async function hasPendingMigrations(orm: Orm): Promise<boolean> {
  return (await orm.migrator.getPending()).length > 0
}

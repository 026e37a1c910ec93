import { setTimeout as sleep } from 'node:timers/promises'
import { MIGRATION_POOL_SIZE, migrationLimits, TABLE_PAUSE_MS, TABLE_WAIT } from './bounds.ts'
import { isLockTimeout, isRetryable } from './failures.ts'
import { closeOrm, type DatabaseLocation, type Orm, openOrm } from './orm.ts'
import { refuseUnnamedPooler } from './pooler.ts'

/** Any number that no other program uses on the same database. */
const LOCK = 7_304_522_119
const NOTICE_MS = 10_000

export const migrationPhases = {
  waiting: 'waiting for the migrations of another process',
  migrating: 'migrating the database',
  blocked: 'a migration waits for a table that is in use',
} as const
type Phase = (typeof migrationPhases)[keyof typeof migrationPhases]

/** Called every 10 s with what a start waits for, and how long it has waited. */
export type MigrationWatch = (phase: Phase, seconds: number) => void

/**
 * Brings the schema up to date, and resolves with the names of the missing migrations. Of processes that start together
 * the first migrates, and the others wait for as long as that takes.
 */
export async function migrate(
  orm: Orm,
  location: DatabaseLocation,
  watch: MigrationWatch = () => {},
): Promise<string[]> {
  if (!('url' in location)) return namesOf(await orm.migrator.up())
  await refuseUnnamedPooler(location)
  const own = await openOrm({ ...location, pool_size: MIGRATION_POOL_SIZE, limits: migrationLimits })
  const begun_at = performance.now()
  let phase: Phase = migrationPhases.waiting
  const notices = setInterval(
    () => watch(phase, Math.round((performance.now() - begun_at) / 1_000)),
    NOTICE_MS,
  )
  try {
    return await repeatWhileBlocked(
      () => migrateInTurn(own, () => (phase = migrationPhases.migrating)),
      () => (phase = migrationPhases.blocked),
    )
  } finally {
    clearInterval(notices)
    await closeOrm(own)
  }
}

/** One transaction holds the lock and the migrations, so that a broken or silent connection leaves neither behind. */
function migrateInTurn(orm: Orm, onLocked: () => void): Promise<string[]> {
  const connection = orm.em.getConnection()
  return connection.transactional(async (transaction) => {
    const run = (sql: string) => connection.execute(sql, [], 'run', transaction)
    await run(`select pg_advisory_xact_lock(${LOCK})`)
    onLocked()
    await run(`set local lock_timeout = '${TABLE_WAIT}'`)
    return namesOf(await orm.migrator.up({ transaction }))
  })
}

async function repeatWhileBlocked<Result>(
  attempt: () => Promise<Result>,
  onBlocked: () => void,
): Promise<Result> {
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      // Running servers lock tables in another order, so a migration may also lose a deadlock.
      if (!isLockTimeout(error) && !isRetryable(error)) throw error
      onBlocked()
      await sleep(TABLE_PAUSE_MS)
    }
  }
}

function namesOf(migrations: readonly { name: string }[]): string[] {
  return migrations.map(({ name }) => name)
}

import type { Config } from '#src/config/config.ts'
import { isInMemory, lockDataDir } from '#src/store/data-dir.ts'
import { type MigrationWatch, migrate } from '#src/store/migrate.ts'
import { closeOrm, type DatabaseLocation, type Orm, openOrm } from '#src/store/orm.ts'
import { locateDatabase } from './locate-database.ts'

export type { MigrationWatch }

type Migrated = { orm: Orm; location: DatabaseLocation; done: string[] }

/** Migrates a database and works with it. Refuses an embedded database that a server has open. */
export async function withMigratedDatabase<Result>(
  config: Config,
  watch: MigrationWatch,
  work: (migrated: Migrated) => Promise<Result> | Result,
): Promise<Result> {
  const location = locateDatabase(config)
  const isLocked = 'folder' in location && !isInMemory(config.dataDir)
  const unlock = isLocked ? lockDataDir(config.dataDir) : () => {}
  try {
    const orm = await openOrm(location)
    try {
      const done = await migrate(orm, location, watch)
      return await work({ orm, location, done })
    } finally {
      await closeOrm(orm)
    }
  } finally {
    unlock()
  }
}

/** Resolves with the names of the migrations that it ran. */
export function migrateDatabase(config: Config, watch: MigrationWatch): Promise<string[]> {
  return withMigratedDatabase(config, watch, ({ done }) => done)
}

import { locateDatabase } from './app.ts'
import type { Config } from './config.ts'
import { isInMemory, lockDataDir } from './store/data-dir.ts'
import { migrate } from './store/migrate.ts'
import { type DatabaseLocation, type Orm, openOrm } from './store/orm.ts'

type Migrated = { orm: Orm; location: DatabaseLocation; done: string[] }

/** Brings a database up to date and works with it; an embedded one only while no server has it open. */
export async function withMigratedDatabase<Result>(
  config: Config,
  work: (migrated: Migrated) => Promise<Result> | Result,
): Promise<Result> {
  const location = locateDatabase(config)
  const is_locked = 'folder' in location && !isInMemory(config.data_dir)
  const unlock = is_locked ? lockDataDir(config.data_dir) : () => {}
  try {
    const orm = await openOrm(location)
    try {
      const missing = await orm.migrator.getPending()
      await migrate(orm, location)
      return await work({ orm, location, done: missing.map(({ name }) => name) })
    } finally {
      await orm.close(true)
    }
  } finally {
    unlock()
  }
}

/** Resolves with the names of the migrations that were missing. */
export function migrateDatabase(config: Config): Promise<string[]> {
  return withMigratedDatabase(config, ({ done }) => done)
}

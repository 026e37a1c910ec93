import { locateDatabase } from './app.ts'
import type { Config } from './config.ts'
import { isInMemory, lockDataDir } from './store/data-dir.ts'
import { migrate } from './store/migrate.ts'
import { openOrm } from './store/orm.ts'

/**
 * Brings a database up to date; an embedded one only while no server has it open. Resolves with the names of the
 * migrations that were missing.
 */
export async function migrateDatabase(config: Config): Promise<string[]> {
  const location = locateDatabase(config)
  const is_locked = 'folder' in location && !isInMemory(config.data_dir)
  const unlock = is_locked ? lockDataDir(config.data_dir) : () => {}
  try {
    const orm = await openOrm(location)
    try {
      const missing = await orm.migrator.getPending()
      await migrate(orm, location)
      return missing.map(({ name }) => name)
    } finally {
      await orm.close(true)
    }
  } finally {
    unlock()
  }
}

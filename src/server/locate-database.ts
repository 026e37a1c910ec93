import { join } from 'node:path'
import type { Config } from '#src/config/config.ts'
import { isInMemory } from '#src/store/data-dir.ts'
import type { DatabaseLocation } from '#src/store/orm.ts'

const POOL_SIZE = 10

/** PostgreSQL if the configuration names one, else the embedded database in `DATA_DIR`. One in memory begins as the image. */
export function locateDatabase(config: Config, image?: Blob): DatabaseLocation {
  if (config.databaseUrl) {
    return { url: config.databaseUrl, pool_size: POOL_SIZE, pooler: config.databasePooler }
  }
  if (isInMemory(config.dataDir)) return { folder: config.dataDir, image }
  return { folder: join(config.dataDir, 'pglite') }
}

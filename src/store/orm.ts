import type { MigrationsOptions } from '@mikro-orm/core'
import { Migrator } from '@mikro-orm/migrations'
import { MikroORM } from '@mikro-orm/postgresql'
import { migrations } from '../../migrations/index.ts'
import { entities } from './entities/index.ts'

export type Orm = MikroORM

/** Where the data is: a PostgreSQL server, or a PGlite folder (`memory://` for none). */
export type DatabaseLocation = { url: string; pool_size: number } | { folder: string }

const shared = {
  entities,
  extensions: [Migrator],
  // Columns are named as they are on the wire, relations get `_id`.
  forceUtcTimezone: true,
  // What it logs are steps of migrations; failures are thrown.
  logger: () => {},
}

const listed: MigrationsOptions = {
  migrationsList: Object.entries(migrations).map(([name, migration]) => ({ name, class: migration })),
  snapshot: false,
}

export async function openOrm(location: DatabaseLocation, options = listed): Promise<Orm> {
  const common = { ...shared, migrations: options }
  if ('url' in location) {
    return MikroORM.init({
      ...common,
      clientUrl: location.url,
      pool: { min: 0, max: location.pool_size },
      driverOptions: {
        connectionTimeoutMillis: 5_000,
        query_timeout: 20_000,
        keepAlive: true,
        // Statements of a transaction that don't wait for each other share a round trip.
        pipeline: true,
        options: '-c timezone=UTC -c lock_timeout=10000',
      },
    })
  }
  const pglite = await import('@mikro-orm/pglite')
  // Same entity manager and query surface; only the driver below it differs.
  return pglite.MikroORM.init({ ...common, dbName: location.folder }) as unknown as Promise<Orm>
}

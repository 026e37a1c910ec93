import type { MigrationsOptions } from '@mikro-orm/core'
import { Migrator } from '@mikro-orm/migrations'
import { MikroORM } from '@mikro-orm/postgresql'
import { migrations } from '../../migrations/index.ts'
import { type Connections, openConnections, type PostgresLocation } from './connections.ts'
import { entities } from './entities/index.ts'
import { OrmDialect } from './orm-dialect.ts'

export type Orm = MikroORM

/** Where the data is: a PostgreSQL server, or a PGlite folder (`memory://` for none), which may begin as a copy of an `image`. */
export type DatabaseLocation = PostgresLocation | { folder: string; image?: Blob | undefined }

const shared = {
  entities,
  extensions: [Migrator],
  // Columns have the names of the wire, and relations get `_id`.
  forceUtcTimezone: true,
  // A mistyped name would become an empty database.
  ensureDatabase: false,
  // MikroORM logs only the steps of migrations; it throws failures.
  logger: () => {},
}

const listed: MigrationsOptions = {
  migrationsList: Object.entries(migrations).map(([name, migration]) => ({ name, class: migration })),
  snapshot: false,
}

export async function openOrm(location: DatabaseLocation, options = listed): Promise<Orm> {
  const common = { ...shared, migrations: options }
  if ('url' in location) {
    const driverOptions = new OrmDialect(openConnections(location))
    return MikroORM.init({ ...common, clientUrl: location.url, driverOptions })
  }
  const pglite = await import('@mikro-orm/pglite')
  // Same entity manager and query surface; only the driver below it differs.
  // A function, since MikroORM copies objects, which an image does not survive.
  const driverOptions = () => ({ loadDataDir: location.image })
  return pglite.MikroORM.init({
    ...common,
    dbName: location.folder,
    driverOptions,
  }) as unknown as Promise<Orm>
}

/** Closes an ORM with its connections. By itself it closes only those of a pool that it has used, and this one serves others, too. */
export async function closeOrm(orm: Orm): Promise<void> {
  await orm.close(true)
  const dialect: unknown = orm.config.get('driverOptions')
  if (dialect instanceof OrmDialect) await dialect.connections.close()
}

/** The connections of an ORM that was opened on a PostgreSQL server. */
export function connectionsOf(orm: Orm): Connections {
  const dialect: unknown = orm.config.get('driverOptions')
  if (!(dialect instanceof OrmDialect)) throw new Error('the ORM was not opened by openOrm')
  return dialect.connections
}

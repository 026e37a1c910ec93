import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  PostgresDialect,
  type QueryResult,
  type TransactionSettings,
} from 'kysely'
import pg, { type PoolClient } from 'pg'
import type { Connections } from './connections.ts'
import { toPgTypes } from './parsers.ts'

const { DATE, TIMESTAMP, TIMESTAMPTZ, INTERVAL } = pg.types.builtins
const asText = (text: string) => text
/** MikroORM reads times itself. */
const types = toPgTypes({ [DATE]: asText, [TIMESTAMP]: asText, [TIMESTAMPTZ]: asText, [INTERVAL]: asText })

/** MikroORM on our connections. */
export class OrmDialect extends PostgresDialect {
  readonly connections: Connections

  constructor(connections: Connections) {
    super({ pool: connections.pool })
    this.connections = connections
  }

  override createDriver(): OrmDriver {
    return new OrmDriver(this.connections)
  }
}

/**
 * Kysely gives a connection back only after a `begin`, a `commit` or a `rollback` that succeeded, so a connection that
 * breaks within a transaction would keep its place in the pool for ever. Here a `begin` that fails gives it back, and a
 * `rollback`, which follows every other failure, always succeeds.
 */
class OrmDriver implements Driver {
  readonly #connections: Connections

  constructor(connections: Connections) {
    this.#connections = connections
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<OrmConnection> {
    return new OrmConnection(this.#connections, await this.#connections.pool.connect())
  }

  async beginTransaction(connection: OrmConnection, settings: TransactionSettings): Promise<void> {
    try {
      await connection.begin(settings)
    } catch (error) {
      connection.release()
      throw error
    }
  }

  commitTransaction(connection: OrmConnection): Promise<void> {
    return connection.command('commit')
  }

  async rollbackTransaction(connection: OrmConnection): Promise<void> {
    // PostgreSQL undoes what a broken connection leaves open, so there is no failure to report.
    await connection.command('rollback').catch(() => {})
  }

  savepoint(connection: OrmConnection, name: string): Promise<void> {
    return connection.command(`savepoint ${pg.escapeIdentifier(name)}`)
  }

  rollbackToSavepoint(connection: OrmConnection, name: string): Promise<void> {
    return connection.command(`rollback to savepoint ${pg.escapeIdentifier(name)}`)
  }

  releaseSavepoint(connection: OrmConnection, name: string): Promise<void> {
    return connection.command(`release savepoint ${pg.escapeIdentifier(name)}`)
  }

  async releaseConnection(connection: OrmConnection): Promise<void> {
    connection.release()
  }

  destroy(): Promise<void> {
    return this.#connections.close()
  }
}

class OrmConnection implements DatabaseConnection {
  readonly #connections: Connections
  readonly #client: PoolClient
  #isInTransaction = false
  #isBroken = false

  constructor(connections: Connections, client: PoolClient) {
    this.#connections = connections
    this.#client = client
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const query = { text: sql, values: [...parameters], types }
    const answer = this.#isInTransaction
      ? await this.#client.query(query)
      : await this.#connections.runAlone(this.#client, query)
    const { command, rowCount, rows } = answer
    const isWrite = command !== 'SELECT' && rowCount !== null
    return { rows: rows ?? [], ...(isWrite && { numAffectedRows: BigInt(rowCount ?? 0) }) }
  }

  // biome-ignore lint/correctness/useYield: it refuses
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('streaming is not supported: read the rows in pages')
  }

  async begin(settings: TransactionSettings): Promise<void> {
    this.#isInTransaction = true
    await this.command(this.#connections.begin(settings))
  }

  /** A connection on which a command failed is not used again. */
  async command(text: string): Promise<void> {
    try {
      await this.#client.query(text)
    } catch (error) {
      this.#isBroken = true
      throw error
    }
  }

  release(): void {
    this.#client.release(this.#isBroken)
  }
}

import type { PGlite } from '@electric-sql/pglite'
import type { TransactionSettings } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import { TRANSACTION_ATTEMPTS } from './bounds.ts'
import { ConnectionHealth } from './connection-health.ts'
import type { Connections } from './connections.ts'
import { type DatabaseTrouble, failureOfLocking, isAborted, isRetryable } from './failures.ts'
import { connectionsOf, type DatabaseLocation, type Orm } from './orm.ts'
import { parsers, toPgTypes } from './parsers.ts'
import { corkUntilNextTurn, SharedConnection } from './shared-connection.ts'

/** Each connection plans a statement once, by its name, which must be unique, or else each time. */
export type Statement = { name: string; text: string; isQuick?: boolean; isPlannedEachTime?: boolean }

export function statement(name: string, text: string): Statement {
  return { name, text }
}

/** A read by key that waits for no lock, so many can share a connection. */
export function sharedRead(name: string, text: string): Statement {
  return { name, text, isQuick: true }
}

/** Runs statements on any connection, or, inside a transaction, on the transaction's. */
export type Sql = {
  run<Row>(statement: Statement, values?: readonly unknown[]): Promise<Row[]>
}

/**
 * The statements of a transaction run in the order in which they are given. Those that need no earlier answer can be given
 * at once, and then share a round trip.
 */
export type Transaction = Sql & {
  /** Runs a statement without an answer, together with the next one or the commit. Its failure fails the transaction. */
  send(statement: Statement, values?: readonly unknown[]): void
}

/** `lock_timeout_ms`: how long to wait for each lock, instead of the session's limit. */
export type TransactionOptions = { lock_timeout_ms?: number }

/** The database that everything but migrations uses: prepared statements, on connections shared with MikroORM. */
export type Database = Sql & {
  /** Commits when `work` resolves, and rolls back when it rejects. After a lost deadlock `work` runs again. */
  transaction<Result>(
    work: (sql: Transaction) => Promise<Result>,
    options?: TransactionOptions,
  ): Promise<Result>
  /** Reads only; every statement sees what was committed before the first one. */
  snapshot<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result>
  /** For metrics: requests waiting for a connection, and connections that are open, unused, and allowed. */
  usage(): { waiting: number; open: number; idle: number; max: number }
  /** What failures of the last seconds say about the server. Reads may still work. */
  trouble(): DatabaseTrouble | undefined
}

export async function openDatabase(orm: Orm, location: DatabaseLocation): Promise<Database> {
  if ('url' in location) return postgresDatabase(connectionsOf(orm))
  const client: unknown = await orm.em.getConnection().getNativeClient()
  return pgliteDatabase(client as PGlite)
}

const locksRows = /\bfor (no key )?(update|share)\b/

const snapshot: TransactionSettings = { isolationLevel: 'repeatable read', accessMode: 'read only' }

function postgresDatabase({ pool, keepsSessions, begin, runAnywhere }: Connections): Database {
  const types = toPgTypes(parsers)
  const shared = new SharedConnection(pool)
  const health = new ConnectionHealth(pool)
  const over = (client: Pool | PoolClient, onFailure?: (error: unknown) => void): Sql => ({
    async run<Row>({ name, text, isQuick, isPlannedEachTime }: Statement, values: readonly unknown[] = []) {
      const isKept = keepsSessions && !isPlannedEachTime
      const query = { name: isKept ? name : undefined, text, values: values as unknown[], types }
      const ask = () => {
        if (client !== pool) return client.query<never>(query)
        return isQuick && keepsSessions ? shared.query(query) : runAnywhere(query)
      }
      try {
        return (await ask()).rows as Row[]
      } catch (thrown) {
        const error = locksRows.test(text) ? failureOfLocking(thrown) : thrown
        health.note(error)
        onFailure?.(error)
        throw error
      }
    },
  })

  async function attempt<Result>(
    work: (sql: Transaction) => Promise<Result>,
    settings: TransactionSettings | undefined,
    { lock_timeout_ms }: TransactionOptions = {},
  ): Promise<Result> {
    const client = await pool.connect().catch((error: unknown) => {
      health.note(error)
      throw error
    })
    const sent = new Sent()
    let broken = false
    // Of statements that were given at once, a later one may be the first whose failure the work sees.
    let cause: unknown
    const onFailure = (error: unknown) => {
      if (!isAborted(error)) cause = error
    }
    try {
      corkUntilNextTurn(client)
      const limit = lock_timeout_ms === undefined ? '' : `; set local lock_timeout = ${lock_timeout_ms}`
      sent.add(client.query(begin(settings) + limit))
      const sql = over(client, onFailure)
      const result = await work({
        ...sql,
        send(...query) {
          corkUntilNextTurn(client)
          sent.add(sql.run(...query))
        },
      })
      // After a statement that failed, PostgreSQL takes this for a rollback.
      sent.add(client.query('commit'))
      await sent.all()
      return result
    } catch (error) {
      await client.query('rollback').catch(() => {
        broken = true
      })
      const noted = (await sent.failure()) ?? error
      const failure = isAborted(noted) ? (cause ?? noted) : noted
      if (health.note(failure)) broken = true
      throw failure
    } finally {
      client.release(broken)
    }
  }

  return {
    ...over(pool),
    transaction: (work, options) => withRetries(() => attempt(work, undefined, options)),
    snapshot: (work) => withRetries(() => attempt(work, snapshot)),
    trouble: () => health.trouble,
    usage: () => ({
      waiting: pool.waitingCount,
      open: pool.totalCount,
      idle: pool.idleCount,
      max: pool.options.max,
    }),
  }
}

function pgliteDatabase(pglite: PGlite): Database {
  const over = (client: Pick<PGlite, 'query'>): Sql => ({
    async run<Row>({ text }: Statement, values: readonly unknown[] = []) {
      return (await client.query<Row>(text, values as unknown[], { parsers })).rows
    },
  })
  const transaction = <Result>(work: (sql: Transaction) => Promise<Result>) =>
    withRetries(() =>
      pglite.transaction(async (client) => {
        const sent = new Sent()
        const sql = over(client)
        try {
          const result = await work({ ...sql, send: (...query) => sent.add(sql.run(...query)) })
          await sent.all()
          return result
        } catch (error) {
          throw (await sent.failure()) ?? error
        }
      }),
    )
  return {
    ...over(pglite),
    transaction,
    // There is one connection, so transactions run one after the other, and each sees a snapshot anyway.
    snapshot: transaction,
    usage: () => ({ waiting: 0, open: 1, idle: 0, max: 1 }),
    trouble: () => undefined,
  }
}

/** Running statements that are awaited together. */
class Sent {
  readonly #promises: Promise<unknown>[] = []

  add(promise: Promise<unknown>): void {
    // `all` reports the failure, so it is not unhandled.
    promise.catch(() => {})
    this.#promises.push(promise)
  }

  async all(): Promise<void> {
    await Promise.all(this.#promises)
  }

  /** The first failure, if there is one. Later ones only say that the transaction is aborted. */
  async failure(): Promise<unknown> {
    const settled = await Promise.allSettled(this.#promises)
    return settled.find((one) => one.status === 'rejected')?.reason
  }
}

async function withRetries<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let left = TRANSACTION_ATTEMPTS - 1; ; left--) {
    try {
      return await attempt()
    } catch (error) {
      if (left === 0 || !isRetryable(error)) throw error
    }
  }
}

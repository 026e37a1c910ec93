import type { PGlite } from '@electric-sql/pglite'
import type { Pool, PoolClient } from 'pg'
import { isRetryable } from './failures.ts'
import type { DatabaseLocation, Orm } from './orm.ts'
import { parsers, toPgTypes } from './parsers.ts'
import { holdWrites, SharedConnection } from './shared-connection.ts'

/** A statement that is planned once for each connection: its name must be unique. */
export type Statement = { name: string; text: string; isQuick?: boolean }

export function statement(name: string, text: string): Statement {
  return { name, text }
}

/** Reads by a key and waits for no lock, so that many can share a connection. */
export function quickRead(name: string, text: string): Statement {
  return { name, text, isQuick: true }
}

/** Runs statements: on any connection, or, as the argument of a transaction's work, on that transaction's. */
export type Sql = {
  run<Row>(statement: Statement, values?: readonly unknown[]): Promise<Row[]>
}

/**
 * A transaction's own. Its statements are done in the order in which they were given, so those that need no
 * answer of an earlier one can be given at once: they share a round trip.
 */
export type Transaction = Sql & {
  /** Runs a statement whose answer nobody needs, with what comes next or the commit; its failure fails the whole. */
  send(statement: Statement, values?: readonly unknown[]): void
}

/** The database of the hot paths: MikroORM's own connections, statements prepared by name. */
export type Database = Sql & {
  /** Commits when `work` resolves, rolls back when it rejects. Tried again when it lost a deadlock. */
  transaction<Result>(work: (sql: Transaction) => Promise<Result>, mode?: 'snapshot'): Promise<Result>
  /** Requests waiting for a connection, and connections open, unused, and allowed: for metrics. */
  usage(): { waiting: number; open: number; idle: number; max: number }
}

const ATTEMPTS = 3

export async function openDatabase(orm: Orm, location: DatabaseLocation): Promise<Database> {
  const client: unknown = await orm.em.getConnection().getNativeClient()
  return 'url' in location ? postgresDatabase(client as Pool) : pgliteDatabase(client as PGlite)
}

function postgresDatabase(pool: Pool): Database {
  const types = toPgTypes(parsers)
  const shared = new SharedConnection(pool)
  const over = (client: Pool | PoolClient): Sql => ({
    async run<Row>({ name, text, isQuick }: Statement, values: readonly unknown[] = []) {
      const query = { name, text, values: values as unknown[], types }
      const answer = isQuick && client === pool ? shared.query(query) : client.query<never>(query)
      return (await answer).rows as Row[]
    },
  })

  async function attempt<Result>(
    work: (sql: Transaction) => Promise<Result>,
    begin: string,
  ): Promise<Result> {
    const client = await pool.connect()
    const sent = new Sent()
    let broken = false
    try {
      holdWrites(client)
      sent.add(client.query(begin))
      const sql = over(client)
      const result = await work({
        ...sql,
        send(...query) {
          holdWrites(client)
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
      throw (await sent.failure()) ?? error
    } finally {
      client.release(broken)
    }
  }

  return {
    ...over(pool),
    transaction: (work, mode) =>
      withRetries(() =>
        attempt(work, mode === 'snapshot' ? 'begin isolation level repeatable read read only' : 'begin'),
      ),
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
  return {
    ...over(pglite),
    // One connection: transactions come one after the other, so each sees a snapshot anyway.
    transaction: (work) =>
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
      ),
    usage: () => ({ waiting: 0, open: 1, idle: 0, max: 1 }),
  }
}

/** Statements under way that nobody waits for one by one. */
class Sent {
  readonly #promises: Promise<unknown>[] = []

  add(promise: Promise<unknown>): void {
    // Its failure is not unhandled: `all` tells of it.
    promise.catch(() => {})
    this.#promises.push(promise)
  }

  async all(): Promise<void> {
    await Promise.all(this.#promises)
  }

  /** The first failure, if there is one: those after it are only of a transaction that is aborted. */
  async failure(): Promise<unknown> {
    const settled = await Promise.allSettled(this.#promises)
    return settled.find((one) => one.status === 'rejected')?.reason
  }
}

async function withRetries<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let left = ATTEMPTS - 1; ; left--) {
    try {
      return await attempt()
    } catch (error) {
      if (left === 0 || !isRetryable(error)) throw error
    }
  }
}

import type { PGlite } from '@electric-sql/pglite'
import type { Pool, PoolClient } from 'pg'
import { isRetryable } from './failures.ts'
import type { DatabaseLocation, Orm } from './orm.ts'
import { parsers, toPgTypes } from './parsers.ts'

/** A statement that is planned once for each connection: its name must be unique. */
export type Statement = { name: string; text: string }

export function statement(name: string, text: string): Statement {
  return { name, text }
}

/** Runs statements: on any connection, or, as the argument of a transaction's work, on that transaction's. */
export type Sql = {
  run<Row>(statement: Statement, values?: readonly unknown[]): Promise<Row[]>
}

/** The database of the hot paths: MikroORM's own connections, statements prepared by name. */
export type Database = Sql & {
  /** Commits when `work` resolves, rolls back when it rejects. Tried again when it lost a deadlock. */
  transaction<Result>(work: (sql: Sql) => Promise<Result>, mode?: 'snapshot'): Promise<Result>
  /** Requests waiting for a connection, and connections open: for metrics. */
  usage(): { waiting: number; open: number; idle: number }
}

const ATTEMPTS = 3

export async function openDatabase(orm: Orm, location: DatabaseLocation): Promise<Database> {
  const client: unknown = await orm.em.getConnection().getNativeClient()
  return 'url' in location ? postgresDatabase(client as Pool) : pgliteDatabase(client as PGlite)
}

function postgresDatabase(pool: Pool): Database {
  const types = toPgTypes(parsers)
  const over = (client: Pool | PoolClient): Sql => ({
    async run<Row>({ name, text }: Statement, values: readonly unknown[] = []) {
      return (await client.query({ name, text, values: values as unknown[], types })).rows as Row[]
    },
  })

  async function attempt<Result>(work: (sql: Sql) => Promise<Result>, begin: string): Promise<Result> {
    const client = await pool.connect()
    let broken = false
    try {
      await client.query(begin)
      const result = await work(over(client))
      await client.query('commit')
      return result
    } catch (error) {
      await client.query('rollback').catch(() => {
        broken = true
      })
      throw error
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
    usage: () => ({ waiting: pool.waitingCount, open: pool.totalCount, idle: pool.idleCount }),
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
    transaction: (work) => withRetries(() => pglite.transaction((client) => work(over(client)))),
    usage: () => ({ waiting: 0, open: 1, idle: 0 }),
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

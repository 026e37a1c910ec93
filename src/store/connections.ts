import { setTimeout as sleep } from 'node:timers/promises'
import type { TransactionSettings } from 'kysely'
import pg, { type Pool, type PoolClient, type QueryConfig, type QueryResult } from 'pg'
import { CLOSE_MS, CONNECT_MS, KEEPALIVE_MS, type Limits, servingLimits } from './bounds.ts'
import { beginSql, ownSession, ownTransaction } from './session-settings.ts'
import { corkUntilNextTurn } from './shared-connection.ts'

export type PostgresLocation = {
  url: string
  pool_size: number
  /** A pooler in front of the database lends a session for one transaction at a time. */
  pooler?: 'transaction' | undefined
  limits?: Limits
}

/** The pool that MikroORM and all other statements share, and how these get the session settings that they rely on. */
export type Connections = {
  pool: Pool
  /** Whether the next statement of a client runs in the same session, with the prepared statements of that. */
  keepsSessions: boolean
  /** Begins a transaction. Only settings of the transaction may be in the same message. */
  begin(settings?: TransactionSettings): string
  /** Runs a statement outside of a transaction. */
  runAlone(client: PoolClient, query: QueryConfig): Promise<QueryResult>
  /** The same, on any connection. */
  runAnywhere(query: QueryConfig): Promise<QueryResult>
  /** Ends the pool. Resolves when the database has closed its connections, which count against its limit until then. */
  close(): Promise<void>
}

export function openConnections({
  url,
  pool_size,
  pooler,
  limits = servingLimits,
}: PostgresLocation): Connections {
  const options = { ...connectOptions(url), max: pool_size, query_timeout: limits.client, pipeline: true }
  if (pooler === 'transaction') {
    const local = ownTransaction(limits)
    const begin = (settings?: TransactionSettings) => `${beginSql(settings)}; ${local}`
    const pool = withListeners(new pg.Pool(options))
    const runAlone = (client: PoolClient, query: QueryConfig) => runWithin(client, begin(), query)
    return {
      pool,
      close: closing(pool),
      keepsSessions: false,
      begin,
      runAlone,
      async runAnywhere(query) {
        const client = await pool.connect()
        let hasFailed = true
        try {
          const answer = await runAlone(client, query)
          hasFailed = false
          return answer
        } finally {
          // Like the pool's own queries: a connection on which a statement failed is not used again.
          client.release(hasFailed)
        }
      },
    }
  }
  const settings = { text: ownSession(limits), query_timeout: CONNECT_MS }
  const pool = withListeners(new pg.Pool({ ...options, onConnect: (client) => client.query(settings) }))
  return {
    pool,
    close: closing(pool),
    keepsSessions: true,
    begin: beginSql,
    runAlone: (client, query) => client.query(query),
    runAnywhere: (query) => pool.query(query),
  }
}

/** Without start-up parameters, since a pooler refuses those that it does not know. */
export function connectOptions(url: string) {
  return {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_MS,
  }
}

/** An `error` event without a listener would end the process. The connection's statements fail, and the pool drops it. */
function withListeners(pool: Pool): Pool {
  pool.on('connect', (client) => client.on('error', () => {}))
  pool.on('error', () => {})
  return pool
}

/** `Pool.end` alone resolves when it has asked the connections to end. A silent network is waited for no longer than CLOSE_MS. */
function closing(pool: Pool): () => Promise<void> {
  const open = new Set<Promise<void>>()
  pool.on('connect', (client) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    client.once('end', resolve)
    open.add(promise)
    void promise.then(() => open.delete(promise))
  })
  const close = async () => {
    await pool.end()
    const late = new AbortController()
    await Promise.race([
      Promise.all(open),
      sleep(CLOSE_MS, undefined, { signal: late.signal }).catch(() => {}),
    ])
    late.abort()
  }
  let closed: Promise<void> | undefined
  return () => {
    closed ??= close()
    return closed
  }
}

/** A transaction in one round trip; its end is awaited even if the statement fails. */
async function runWithin(client: PoolClient, begin: string, query: QueryConfig): Promise<QueryResult> {
  corkUntilNextTurn(client)
  const [begun, answer, ended] = await Promise.allSettled([
    client.query(begin),
    client.query(query),
    client.query('commit'),
  ])
  for (const step of [begun, answer, ended]) if (step.status === 'rejected') throw step.reason
  if (answer.status === 'rejected') throw answer.reason
  return answer.value
}

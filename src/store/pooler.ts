import pg from 'pg'
import { POOLER_ANSWER_MS } from './bounds.ts'
import { connectOptions, type PostgresLocation } from './connections.ts'

/**
 * Refuses a pooler in transaction mode that the location does not name: session settings and prepared statements would
 * reach other clients. The sign of such a pooler is that two connected clients get the same session.
 */
export async function refuseUnnamedPooler({ url, pooler }: PostgresLocation): Promise<void> {
  if (pooler) return
  const options = { ...connectOptions(url), query_timeout: POOLER_ANSWER_MS }
  const clients = [new pg.Client(options), new pg.Client(options)] as const
  for (const client of clients) client.on('error', () => {})
  try {
    const [first, second] = clients
    await first.connect()
    const before = await sessionOf(first)
    await second.connect()
    await second.query('begin; set local idle_in_transaction_session_timeout = 0')
    // The second client's transaction keeps its session. If that was the first client's, the first gets another one.
    const isShared = (await sessionOf(second)) === before || (await sessionOf(first)) !== before
    if (isShared) {
      throw new Error(
        'DATABASE_URL leads to a pooler in transaction mode, such as PgBouncer with pool_mode=transaction: ' +
          'set DATABASE_POOLER=transaction, or use its session mode',
      )
    }
  } finally {
    await Promise.all(clients.map((client) => client.end()))
  }
}

async function sessionOf(client: pg.Client): Promise<number | undefined> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]?.pid
}

import type { Socket } from 'node:net'
import type { Pool, PoolClient, QueryConfig, QueryResult } from 'pg'
import { MAX_SHARED_READS } from './bounds.ts'

type Lane = { client: Promise<PoolClient>; users: number; hasFailed: boolean }

/**
 * Carries the quick reads of many requests over one pipelined connection of the pool, in one write for each turn of the
 * event loop. A connection and a write for each read would take a third of a request's CPU.
 */
export class SharedConnection {
  readonly #pool: Pool
  /** The lane that takes more reads; full ones end by themselves. */
  #lane: Lane | undefined

  constructor(pool: Pool) {
    this.#pool = pool
  }

  async query(query: QueryConfig): Promise<QueryResult> {
    const lane = this.#enter()
    try {
      const client = await lane.client
      corkUntilNextTurn(client)
      return await client.query(query)
    } catch (error) {
      this.#fail(lane)
      throw error
    } finally {
      this.#leave(lane)
    }
  }

  #enter(): Lane {
    if (!this.#lane || this.#lane.users >= MAX_SHARED_READS) {
      this.#lane = { client: this.#pool.connect(), users: 0, hasFailed: false }
    }
    this.#lane.users++
    return this.#lane
  }

  /** Like the pool's own queries: a connection on which a read failed is not used again. */
  #fail(lane: Lane): void {
    lane.hasFailed = true
    if (this.#lane === lane) this.#lane = undefined
  }

  #leave(lane: Lane): void {
    if (--lane.users > 0) return
    if (this.#lane === lane) this.#lane = undefined
    lane.client.then(
      (client) => client.release(lane.hasFailed),
      () => {},
    )
  }
}

const corked = new WeakSet<PoolClient>()

/** Holds back writes until the event loop has read all its sockets, and then sends them in one. */
export function corkUntilNextTurn(client: PoolClient): void {
  if (corked.has(client)) return
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection
  corked.add(client)
  stream.cork()
  setImmediate(() => {
    corked.delete(client)
    stream.uncork()
  })
}

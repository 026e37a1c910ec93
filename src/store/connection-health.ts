import type { Pool, PoolClient } from 'pg'
import { type DatabaseTrouble, passingFailure } from './failures.ts'

/** Every server writes its presence each 5 s, so a lasting state is seen again before it is forgotten. */
const REMEMBERED_MS = 6_000

/** Drops connections that failed, and remembers what their failures say about the server. */
export class ConnectionHealth {
  readonly #pool: Pool
  readonly #open = new Set<PoolClient>()
  readonly #dropped = new WeakSet<PoolClient>()
  #last: { state: DatabaseTrouble; at: number } | undefined

  constructor(pool: Pool) {
    this.#pool = pool
    pool.on('connect', (client) => this.#open.add(client))
    pool.on('remove', (client) => this.#open.delete(client))
    // The pool does not keep a client that is ending.
    pool.on('release', (_, client) => {
      if (this.#dropped.has(client)) void client.end()
    })
  }

  /** What the last failures said about the server, if a connection that answers does not disprove it. */
  get trouble(): DatabaseTrouble | undefined {
    return this.#last && performance.now() - this.#last.at < REMEMBERED_MS ? this.#last.state : undefined
  }

  /** True: the failed connection must not be used again. */
  note(error: unknown): boolean {
    const failure = passingFailure(error)
    if (!failure) return false
    if (failure.state) this.#last = { state: failure.state, at: performance.now() }
    if (failure.connection === 'drop-all') this.#dropAll()
    return failure.connection !== 'keep'
  }

  /** Those in use are closed when they are given back. */
  #dropAll(): void {
    for (const client of this.#open) this.#dropped.add(client)
    for (let idle = this.#pool.idleCount; idle > 0; idle--) {
      this.#pool.connect().then(
        (client) => client.release(),
        () => {},
      )
    }
  }
}

import type { Database } from '#src/store/database.ts'
import { isLockTimeout, lockedOut } from '#src/store/failures.ts'
import {
  LOCK_WAIT_MS,
  MAX_DIRECT,
  MAX_DIRECT_OF_ONE,
  MAX_PATIENT,
  MAX_WAITING_OF_ONE,
  QUICK_LOCK_MS,
} from './bounds.ts'
import { Turns } from './turns.ts'

/**
 * Shares the connections of the pool among projects, so that a project whose locks are held by another transaction
 * holds up only itself. A transaction first waits QUICK_LOCK_MS for each lock. Without the lock it is undone, gives its
 * connection back, and runs again in one of the MAX_PATIENT places, where it waits for the rest of its time.
 */
export class ProjectTurns {
  readonly #direct = new Turns({ places: MAX_DIRECT, of_one: MAX_DIRECT_OF_ONE })
  readonly #all = new Turns({ places: Number.POSITIVE_INFINITY, of_one: MAX_DIRECT_OF_ONE })
  readonly #patient = new Turns({ places: MAX_PATIENT, of_one: 1 })

  /** Projects whose changes wait for locks that other transactions hold: for metrics. */
  get locked(): number {
    return this.#patient.keys.size
  }

  /** The same database, whose transactions take the turns of a project. */
  share<Shared extends Pick<Database, 'transaction'>>(database: Shared, key: string): Shared {
    return {
      ...database,
      transaction: (work, options) => {
        if (options) return database.transaction(work, options)
        return this.#run(key, (lock_timeout_ms) => database.transaction(work, { lock_timeout_ms }))
      },
    }
  }

  async #run<Result>(key: string, attempt: (lock_timeout_ms: number) => Promise<Result>): Promise<Result> {
    if (this.#all.waiting(key) >= MAX_WAITING_OF_ONE) throw lockedOut()
    const since = performance.now()
    return this.#all.run(key, async () => {
      if (performance.now() - since >= LOCK_WAIT_MS) throw lockedOut()
      try {
        return await this.#direct.run(key, () => attempt(QUICK_LOCK_MS))
      } catch (error) {
        if (!isLockTimeout(error)) throw error
      }
      return this.waitPatiently(key, since, attempt)
    })
  }

  /** `since`: when the wait began, by `performance.now()`. Rejects with a lock timeout once the time is over. */
  waitPatiently<Result>(
    key: string,
    since: number,
    attempt: (lock_timeout_ms: number) => Promise<Result>,
  ): Promise<Result> {
    return this.#patient.run(key, () => {
      const left = since + LOCK_WAIT_MS - performance.now()
      return attempt(Math.max(QUICK_LOCK_MS, Math.ceil(left)))
    })
  }
}

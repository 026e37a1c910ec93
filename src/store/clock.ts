import type { Time } from '#src/domain/time.ts'
import { type Sql, statement } from './database.ts'

const ask = statement('ask_time', 'select extract(epoch from clock_timestamp())::float8 * 1000 as now')

/**
 * The database's time, which all replicas share, so every decision about time uses it. Between two answers of the database
 * it follows the monotonic clock, so setting the machine's clock changes nothing.
 */
export class DatabaseClock {
  /** To be added to `performance.now()`. */
  #offset = Date.now() - performance.now()
  #isKnown = false

  /** Milliseconds since 1970. */
  readonly now = (): number => Math.round(performance.now() + this.#offset)

  readonly time = (): Time => new Date(this.now()).toISOString()

  /** How many seconds the machine's clock is ahead of the database's. */
  get skew_seconds(): number {
    return (Date.now() - this.now()) / 1000
  }

  /** Asks the database. A slow answer says little, since it was given at any moment since the question. */
  async sync(sql: Sql): Promise<void> {
    const asked_at = performance.now()
    const [answer] = await sql.run<{ now: number }>(ask)
    if (!answer) throw new Error('the database did not tell its time')
    const [least, most] = [answer.now - performance.now(), answer.now - asked_at]
    this.#offset = this.#isKnown ? Math.min(Math.max(this.#offset, least), most) : (least + most) / 2
    this.#isKnown = true
  }
}

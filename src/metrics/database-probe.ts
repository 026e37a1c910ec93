import type { Database } from '#src/store/database.ts'
import { countOpenSignals, type OpenSignals } from '#src/store/signals.ts'

/** How long an answer is good for. */
const CACHE_MS = 5_000
/** A database that takes longer counts as down; whoever asks waits no longer. */
const WAIT_MS = 500

/**
 * Asks the database for the open signals, and so whether it is there: one statement at a time, however often and by
 * however many it is asked. Never rejects; undefined: it did not answer in time.
 */
export function createDatabaseProbe(database: Database): () => Promise<OpenSignals | undefined> {
  let last: { at: number; found: OpenSignals | undefined } | undefined
  let asking: { since: number; answer: Promise<OpenSignals | undefined> } | undefined
  const ask = () => {
    const answer = countOpenSignals(database)
      .catch(() => undefined)
      .then((found) => {
        last = { at: performance.now(), found }
        asking = undefined
        return found
      })
    return { since: performance.now(), answer }
  }
  return async () => {
    if (!asking && last && performance.now() - last.at < CACHE_MS) return last.found
    asking ??= ask()
    return within(asking.answer, asking.since + WAIT_MS - performance.now())
  }
}

async function within<Result>(answer: Promise<Result>, ms: number): Promise<Result | undefined> {
  if (ms <= 0) return undefined
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), ms)
  return Promise.race([answer, late.promise]).finally(() => clearTimeout(timer))
}

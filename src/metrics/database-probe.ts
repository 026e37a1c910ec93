import { countExceededBudgets } from '#src/store/budgets.ts'
import type { Database } from '#src/store/database.ts'
import { countHolds } from '#src/store/holds.ts'
import { countOpenRequests, type OpenRequests } from '#src/store/request-times.ts'
import { countOpenSignals, type OpenSignals } from '#src/store/signals.ts'

/** What waits in the database, for runtimes and for people, and what stops agents. */
export type Waiting = {
  signals: OpenSignals
  requests: OpenRequests
  holds: number
  exceeded_budgets: number
}

/** Scrapes within this time share one answer. */
const CACHE_MS = 5_000
/** A database that takes longer counts as down, so that a scrape never waits longer. */
const WAIT_MS = 500

/**
 * Counts what waits, which also shows whether the database answers. All scrapes share one statement at a time. Never
 * rejects; undefined: the database did not answer in time.
 */
export function createDatabaseProbe(database: Database): () => Promise<Waiting | undefined> {
  let last: { at: number; counts: Waiting | undefined } | undefined
  let asking: { since: number; answer: Promise<Waiting | undefined> } | undefined
  const ask = () => {
    const answer = countWaiting(database)
      .catch(() => undefined)
      .then((counts) => {
        last = { at: performance.now(), counts }
        asking = undefined
        return counts
      })
    return { since: performance.now(), answer }
  }
  return async () => {
    if (!asking && last && performance.now() - last.at < CACHE_MS) return last.counts
    asking ??= ask()
    return within(asking.answer, asking.since + WAIT_MS - performance.now())
  }
}

async function countWaiting(database: Database): Promise<Waiting> {
  const signals = await countOpenSignals(database)
  const requests = await countOpenRequests(database)
  const holds = await countHolds(database)
  return { signals, requests, holds, exceeded_budgets: await countExceededBudgets(database) }
}

async function within<Result>(answer: Promise<Result>, ms: number): Promise<Result | undefined> {
  if (ms <= 0) return undefined
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), ms)
  return Promise.race([answer, late.promise]).finally(() => clearTimeout(timer))
}

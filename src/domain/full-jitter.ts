/** Milliseconds: `first_ms` bounds the first wait, `max_ms` every wait. */
export type Backoff = { first_ms: number; max_ms: number }

/**
 * A random wait in milliseconds, from 0 up to a bound that doubles with each failure, so that many clients that lost one
 * server do not return together. `attempt` counts the failures before this one; `random` is from 0 to 1.
 */
export function fullJitter(attempt: number, { first_ms, max_ms }: Backoff, random: number): number {
  return random * Math.min(max_ms, first_ms * 2 ** attempt)
}

import { transportError } from './api-error.ts'
import { within } from './timers.ts'

/**
 * A token, or a function that gets one. The client calls it for each connection and each call, with the token that the
 * server refused or that is about to expire, if there is one. A source without another token answers the same one, or
 * undefined. It has nine seconds to answer.
 */
export type TokenSource =
  | string
  | ((refused: string | undefined) => string | undefined | Promise<string | undefined>)

/** A callback that takes longer counts as failed. */
const TOKEN_TIMEOUT_MS = 9_000

/** Rejects with the error of the source, with a `timeout` where it does not settle, or with the signal's reason. */
export async function askForToken(
  source: TokenSource | undefined,
  refused: string | undefined,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  if (typeof source !== 'function') return source
  const late = () =>
    transportError('timeout', `The token callback did not settle within ${TOKEN_TIMEOUT_MS} ms`)
  return within(TOKEN_TIMEOUT_MS, source(refused), { late, signal })
}

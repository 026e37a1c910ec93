import { askForToken, type TokenSource } from '#src/client/shared/token-source.ts'
import { ClosedError } from './errors.ts'

/** Gives tokens to connect with, and never one that the server has refused. */
export class Tokens {
  readonly #source: TokenSource
  #refused: string | undefined

  constructor(source: TokenSource) {
    this.#source = source
  }

  /** Rejects with a ClosedError if the source has only the refused token, or with the error of the source. */
  async next(signal: AbortSignal, ending: string | undefined = this.#refused): Promise<string> {
    const token = await askForToken(this.#source, ending, signal)
    if (token === undefined || token === this.#refused) throw new ClosedError('unauthenticated')
    return token
  }

  /** The server has closed with 4401. */
  refuse(token: string | undefined): void {
    this.#refused = token
  }
}

/** A source's error with `retryable: false` means that another call would fail as well. */
export function isFinal(error: unknown): boolean {
  return error instanceof ClosedError || (error as { retryable?: unknown } | null)?.retryable === false
}

/** The server gives notice this long before a token expires, or at once for a shorter token. */
const NOTICE_MS = 60_000
const SHORTEST_MS = 2_000

/**
 * When to renew after the notice: in the second quarter of the time left, so that a fleet does not renew all at once, and
 * a short token not in a loop. A wrong clock changes no more than this delay.
 */
export function renewalDelayMs(expires_at: number, now: number, random: number): number {
  const left = Math.min(NOTICE_MS, Math.max(SHORTEST_MS, expires_at - now))
  return left * (0.25 + 0.25 * random)
}

import { ClosedError } from './errors.ts'

/**
 * A token, or what gets one: asked for each connection, with the token that was refused or is about to end, if there is
 * one. A source that has no other gives that one again, or none.
 */
export type TokenSource =
  | string
  | ((refused: string | undefined) => string | undefined | Promise<string | undefined>)

/** Gives tokens to connect with; one that the server has refused is never sent again. */
export class Tokens {
  readonly #source: TokenSource
  #refused: string | undefined

  constructor(source: TokenSource) {
    this.#source = source
  }

  /** Rejects with a ClosedError where there is none but a refused one; with what the source throws otherwise. */
  async next(ending: string | undefined = this.#refused): Promise<string> {
    const token = typeof this.#source === 'string' ? this.#source : await this.#source(ending)
    if (token === undefined || token === this.#refused) throw new ClosedError('unauthenticated')
    return token
  }

  /** The server has closed with 4401. */
  refuse(token: string | undefined): void {
    this.#refused = token
  }
}

/** A source says with `retryable: false` that asking it again is of no use. */
export function isFinal(error: unknown): boolean {
  return error instanceof ClosedError || (error as { retryable?: unknown } | null)?.retryable === false
}

/** The server speaks up so long before the end, or at once for a token that lasts less. */
const NOTICE_MS = 60_000
const SHORTEST_MS = 2_000

/**
 * When to renew after the notice: within the second quarter of what is left, so that a fleet doesn't renew in one
 * instant, nor a short token in a loop. A clock that is wrong changes no more than that.
 */
export function renewalDelayMs(expires_at: number, now: number, random: number): number {
  const left = Math.min(NOTICE_MS, Math.max(SHORTEST_MS, expires_at - now))
  return left * (0.25 + 0.25 * random)
}

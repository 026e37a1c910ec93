import { type Principal, userBehind } from '#src/domain/access.ts'
import { SignalboxError } from '#src/domain/errors.ts'

/** Open sockets and event streams of one principal. */
export const MAX_SOCKETS_OF_PRINCIPAL = 1_000
/**
 * Those of a user with all its keys and the tokens of its agents, each of which is a principal of its own: so many more,
 * since a fleet's runtimes may each have a socket, but not as many as there can be keys.
 */
export const MAX_SOCKETS_OF_USER = 20_000
/** Those from one address: a proxy that is not in TRUST_PROXY counts as one. */
export const MAX_SOCKETS_OF_ADDRESS = 20_000
/** Sockets from one address that have not authenticated yet; each has 5 s for that. */
export const MAX_STRANGERS_OF_ADDRESS = 2_000

const limits = {
  principal: MAX_SOCKETS_OF_PRINCIPAL,
  user: MAX_SOCKETS_OF_USER,
  address: MAX_SOCKETS_OF_ADDRESS,
  stranger: MAX_STRANGERS_OF_ADDRESS,
} as const

/** When whoever has too many of something may try again: nobody knows when there is room. */
const RETRY_SECONDS = 10

/** What is counted, and for whom. */
export type Place = readonly [kind: keyof typeof limits, whose: string]

/** What somebody who is known takes up with each socket. */
export function placesOf(principal: Principal): Place[] {
  return [
    ['principal', `${principal.kind} ${principal.id}`],
    ['user', userBehind(principal)],
  ]
}

/** Counts what a peer can open, each kind up to its limit. */
export class SocketCounts {
  readonly #counts = new Map<string, number>()

  /** For how many somebody is counted. */
  get size(): number {
    return this.#counts.size
  }

  /** False, and not counted, where there are too many already. */
  take(...[kind, whose]: Place): boolean {
    const key = `${kind} ${whose}`
    const count = this.#counts.get(key) ?? 0
    if (count >= limits[kind]) return false
    this.#counts.set(key, count + 1)
    return true
  }

  /** Each of them, or none where one is full. */
  takeAll(places: readonly Place[]): boolean {
    const full = places.findIndex((place) => !this.take(...place))
    if (full < 0) return true
    this.releaseAll(places.slice(0, full))
    return false
  }

  release(...[kind, whose]: Place): void {
    const key = `${kind} ${whose}`
    const left = (this.#counts.get(key) ?? 1) - 1
    if (left > 0) this.#counts.set(key, left)
    else this.#counts.delete(key)
  }

  releaseAll(places: readonly Place[]): void {
    for (const place of places) this.release(...place)
  }
}

export function tooMany(message = 'Too many connections'): SignalboxError {
  return new SignalboxError('rate_limited', [{ message, field: null }], RETRY_SECONDS)
}

import { type Principal, userBehind } from '#src/domain/access.ts'
import { SignalboxError } from '#src/domain/errors.ts'
import {
  MAX_SOCKETS_OF_ADDRESS,
  MAX_SOCKETS_OF_PRINCIPAL,
  MAX_SOCKETS_OF_USER,
  MAX_STRANGERS_OF_ADDRESS,
  RETRY_SECONDS,
} from '#src/realtime/bounds.ts'

const limits = {
  principal: MAX_SOCKETS_OF_PRINCIPAL,
  user: MAX_SOCKETS_OF_USER,
  address: MAX_SOCKETS_OF_ADDRESS,
  stranger: MAX_STRANGERS_OF_ADDRESS,
} as const

/** A limit, and the principal, user or address that it is counted for. */
export type Quota = readonly [kind: keyof typeof limits, whose: string]

/** The quotas that each socket of a principal uses. */
export function quotasOf(principal: Principal): Quota[] {
  return [
    ['principal', `${principal.kind} ${principal.id}`],
    ['user', userBehind(principal)],
  ]
}

/** Counts open sockets and streams, each quota up to its limit. */
export class SocketCounts {
  readonly #counts = new Map<string, number>()

  /** How many quotas are in use. */
  get size(): number {
    return this.#counts.size
  }

  /** False: the quota is used up, and nothing is counted. */
  take(...[kind, whose]: Quota): boolean {
    const key = `${kind} ${whose}`
    const count = this.#counts.get(key) ?? 0
    if (count >= limits[kind]) return false
    this.#counts.set(key, count + 1)
    return true
  }

  /** Takes all quotas, or none where one is used up. */
  takeAll(quotas: readonly Quota[]): boolean {
    const full = quotas.findIndex((place) => !this.take(...place))
    if (full < 0) return true
    this.releaseAll(quotas.slice(0, full))
    return false
  }

  release(...[kind, whose]: Quota): void {
    const key = `${kind} ${whose}`
    const left = (this.#counts.get(key) ?? 1) - 1
    if (left > 0) this.#counts.set(key, left)
    else this.#counts.delete(key)
  }

  releaseAll(quotas: readonly Quota[]): void {
    for (const place of quotas) this.release(...place)
  }
}

export function tooMany(message = 'Too many connections'): SignalboxError {
  return new SignalboxError('rate_limited', [{ message, field: null }], RETRY_SECONDS)
}

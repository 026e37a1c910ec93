/** Open sockets of one principal. */
export const MAX_SOCKETS_OF_PRINCIPAL = 1_000
/** Open sockets from one address: a proxy that is not in TRUST_PROXY counts as one. */
export const MAX_SOCKETS_OF_ADDRESS = 20_000
/** Sockets from one address that have not authenticated yet; each has 5 s for that. */
export const MAX_STRANGERS_OF_ADDRESS = 2_000

const limits = {
  principal: MAX_SOCKETS_OF_PRINCIPAL,
  address: MAX_SOCKETS_OF_ADDRESS,
  stranger: MAX_STRANGERS_OF_ADDRESS,
} as const

/** Counts what a peer can open, each kind up to its limit. */
export class SocketCounts {
  readonly #counts = new Map<string, number>()

  /** False, and not counted, where there are too many already. */
  take(kind: keyof typeof limits, whose: string): boolean {
    const key = `${kind} ${whose}`
    const count = this.#counts.get(key) ?? 0
    if (count >= limits[kind]) return false
    this.#counts.set(key, count + 1)
    return true
  }

  release(kind: keyof typeof limits, whose: string): void {
    const key = `${kind} ${whose}`
    const left = (this.#counts.get(key) ?? 1) - 1
    if (left > 0) this.#counts.set(key, left)
    else this.#counts.delete(key)
  }
}

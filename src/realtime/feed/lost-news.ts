import { LATE_NEWS_MS } from '#src/realtime/bounds.ts'

/** Distinguishes news that the bus lost from news that comes later than a tail check. For one project in one epoch. */
export class LostNews {
  #heard: number
  #awaited: { seq: number; since: number } | undefined

  /** `newest`: everything up to this number was read from the log. */
  constructor(newest: number) {
    this.#heard = newest
  }

  hear(seq: number): void {
    if (seq > this.#heard) this.#heard = seq
  }

  /** Called by a tail check that found `newest` at `now` (ms). True, once: the bus lost an event that was due by now. */
  check(newest: number, now: number): boolean {
    const awaited = this.#awaited
    const isLost = awaited !== undefined && awaited.seq > this.#heard && now - awaited.since >= LATE_NEWS_MS
    if (isLost) this.#heard = awaited.seq
    if (awaited && awaited.seq <= this.#heard) this.#awaited = undefined
    if (newest > this.#heard) this.#awaited ??= { seq: newest, since: now }
    return isLost
  }
}

/** What is found at the end of a log may be on its way; so long after, it is lost. */
const LATE_MS = 1_000

/** Tells news that the bus has lost from news that a tail check was quicker than. Of one project, in one epoch. */
export class LostNews {
  #heard: number
  #awaited: { seq: number; since: number } | undefined

  /** `newest`: up to here everything was read from the log. */
  constructor(newest: number) {
    this.#heard = newest
  }

  hear(seq: number): void {
    if (seq > this.#heard) this.#heard = seq
  }

  /** At a tail check, which found `newest` at `now` (ms): true once for all that should have been heard by now. */
  check(newest: number, now: number): boolean {
    const awaited = this.#awaited
    const isLost = awaited !== undefined && awaited.seq > this.#heard && now - awaited.since >= LATE_MS
    if (isLost) this.#heard = awaited.seq
    if (awaited && awaited.seq <= this.#heard) this.#awaited = undefined
    if (newest > this.#heard) this.#awaited ??= { seq: newest, since: now }
    return isLost
  }
}

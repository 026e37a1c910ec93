import { closeCodes } from '#src/protocol/close-codes.ts'

/** Codes that peers and the library close with, besides ours. 1005: none given; 1006: the connection broke. */
const others = [1000, 1002, 1005, 1006, 1007, 1008]

/** Counts closes by code. A peer may name any code: what is not in the tables is `other`. */
export class Closes {
  readonly counts: Record<string, number> = { other: 0 }

  constructor() {
    const ours = Object.values(closeCodes).map(({ code }) => code)
    for (const code of [...ours, ...others]) this.counts[code] = 0
  }

  add(code: number): void {
    const key = code in this.counts ? String(code) : 'other'
    this.counts[key] = (this.counts[key] ?? 0) + 1
  }
}

import { closeCodes } from '#src/protocol/close-codes.ts'

/** Codes of peers and of `ws`, besides the server's. 1005: the peer gave no code; 1006: the connection broke. */
const otherCodes = [1000, 1002, 1005, 1006, 1007, 1008]

/** Counts closes by code. Peers can send any code, so unknown ones count as `other`. */
export class CloseCounts {
  readonly counts: Record<string, number> = { other: 0 }

  constructor() {
    const ours = Object.values(closeCodes).map(({ code }) => code)
    for (const code of [...ours, ...otherCodes]) this.counts[code] = 0
  }

  add(code: number): void {
    const key = code in this.counts ? String(code) : 'other'
    this.counts[key] = (this.counts[key] ?? 0) + 1
  }
}

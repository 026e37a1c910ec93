/** Numbers of reports, as ranges: from and to, both included. */
export type NumberRanges = readonly (readonly [from: number, to: number])[]

/** Older ranges are forgotten; their numbers count as applied. */
export const MAX_RANGES = 32

/** The highest applied number, and the lower ones that a link sent and the server refused. */
export type ReportNumbers = { last_report: number; missed_reports: NumberRanges }

export function addNumber(ranges: NumberRanges, n: number): NumberRanges {
  if (includes(ranges, n)) return ranges
  const last = ranges.at(-1)
  if (last?.[1] === n - 1) return [...ranges.slice(0, -1), [last[0], n]]
  return [...ranges, [n, n] as const].slice(-MAX_RANGES)
}

/** The part of the ranges between two numbers, excluding both. */
export function between(ranges: NumberRanges, low: number, high: number): NumberRanges {
  return ranges
    .map(([from, to]) => [Math.max(from, low + 1), Math.min(to, high - 1)] as const)
    .filter(([from, to]) => from <= to)
}

/**
 * Uses up the number of a report; undefined if it is used up already. `said` are numbers that the same link sent and that
 * have not been applied: if a higher one passes them, they are missed and can still come. A number that the link never
 * sent is used up.
 */
export function takeNumber(
  { last_report, missed_reports }: ReportNumbers,
  n: number,
  said: NumberRanges,
): ReportNumbers | undefined {
  if (n > last_report) {
    const passed = between(said, last_report, n)
    return { last_report: n, missed_reports: [...missed_reports, ...passed].slice(-MAX_RANGES) }
  }
  if (!includes(missed_reports, n)) return undefined
  const others = missed_reports.flatMap((range) => [
    ...between([range], 0, n),
    ...between([range], n, Number.POSITIVE_INFINITY),
  ])
  return { last_report, missed_reports: others.slice(-MAX_RANGES) }
}

function includes(ranges: NumberRanges, n: number): boolean {
  return ranges.some(([from, to]) => from <= n && n <= to)
}

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { App } from '#src/server/app.ts'
import { bucketOf, endOfBucket, firstInstant } from '#src/store/calendar.ts'
import { statement } from '#src/store/database.ts'
import { backends, startApp } from '../support/backends.ts'

const QUARTER = 15 * 60_000
const DAY = 24 * 60 * 60_000

const bounds = statement(
  'test_calendar',
  `select at, ${firstInstant(bucketOf('at', 'unit', 'zone'), 'unit', 'zone')} as starts_at,
     ${endOfBucket('at', 'unit', 'zone')} as ends_at
   from unnest($1::timestamptz[]) at, (select $2::text as unit, $3::text as zone) d`,
)

/** What the calendar of a place says, from the rules that Node has: found by looking at each quarter-hour. */
function calendarOf(zone: string, unit: string) {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    timeZoneName: 'longOffset',
  })
  const keyOf = (time: number) => {
    const parts = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, value]))
    const { year, month, day, hour, timeZoneName } = parts
    if (unit === 'month') return `${year}-${month}`
    if (unit === 'day') return `${year}-${month}-${day}`
    if (unit === 'hour') return `${year}-${month}-${day} ${hour} ${timeZoneName}`
    const date = new Date(`${year}-${month}-${day}T00:00:00Z`)
    return Math.floor((date.getTime() / DAY + 3) / 7)
  }
  let [start, end] = [0, 0]
  return (time: number) => {
    const key = keyOf(time)
    // Times are asked in order, so the last answer is often this one's, too.
    if (time < start || time >= end) {
      start = Math.floor(time / QUARTER) * QUARTER
      end = start + QUARTER
    }
    while (keyOf(start - QUARTER) === key) start -= QUARTER
    while (keyOf(end) === key) end += QUARTER
    return { starts_at: new Date(start).toISOString(), ends_at: new Date(end).toISOString() }
  }
}

/** A few days around changes of the clocks; in Havana there are two midnights, in Cairo and São Paulo none. */
const places = [
  ['Europe/Berlin', '2024-03-31', '2024-10-27'],
  ['America/New_York', '2024-03-10', '2024-11-03'],
  ['America/Havana', '2024-03-10', '2024-11-03'],
  ['Africa/Cairo', '2024-04-26', '2024-11-01'],
  ['America/Sao_Paulo', '2018-11-04', '2019-02-17'],
  ['Pacific/Apia', '2011-12-30', '2012-04-01'],
  ['Asia/Kathmandu', '2024-01-01', '2024-02-29'],
  ['UTC', '2024-02-29', '2024-12-31'],
]

type Expected = { at: string; starts_at: string; ends_at: string }[]
/** By zone and unit: both databases are held against the same. */
const known = new Map<string, Expected>()

function expectedOf(zone: string, unit: string, days: readonly string[]): Expected {
  const step = unit === 'hour' || unit === 'day' ? 2 * QUARTER : 46 * QUARTER
  const calendar = calendarOf(zone, unit)
  const expected = days.flatMap((day) => {
    const first = Date.parse(`${day}T00:00:00Z`) - 1.5 * DAY + 1
    return Array.from({ length: (3 * DAY) / step }, (_, n) => ({
      at: new Date(first + n * step).toISOString(),
      ...calendar(first + n * step),
    }))
  })
  known.set(`${zone} ${unit}`, expected)
  return expected
}

describe.each(backends)('the calendar on $name', ({ config }) => {
  let app: App
  beforeAll(async () => {
    app = await startApp(await config())
  })
  afterAll(() => app.stop())

  it.each(places)('of %s is that of its people, around %s and %s', async (zone, ...days) => {
    for (const unit of ['hour', 'day', 'week', 'month']) {
      const expected = known.get(`${zone} ${unit}`) ?? expectedOf(zone, unit, days)
      const times = expected.map(({ at }) => at)
      expect(await app.database.run(bounds, [times, unit, zone]), `${unit}s`).toEqual(expected)
    }
  })
})

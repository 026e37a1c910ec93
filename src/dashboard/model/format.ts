import { type Zone, zone } from './zone.ts'

const whole = new Intl.NumberFormat('en')
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const cents = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const exact = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 4 })
function formatsOf(timeZone: string | undefined) {
  const format = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat('en-GB', { ...options, ...(timeZone && { timeZone }) })
  const time = { hour: '2-digit', minute: '2-digit', second: '2-digit' } as const
  return {
    clock: format(time),
    day: format({ day: 'numeric', month: 'short' }),
    full: format({ day: 'numeric', month: 'short', year: 'numeric', ...time, timeZoneName: 'short' }),
  }
}
const formats: Record<Zone, ReturnType<typeof formatsOf>> = {
  local: formatsOf(undefined),
  utc: formatsOf('UTC'),
}

/** 1,204 */
export const formatCount = (value: number): string => whole.format(value)

/** 1.2M, for numbers from ten thousand. */
export const formatShort = (value: number): string => (value < 10_000 ? whole : short).format(value)

/** $12.34; a smaller amount than a cent is `<$0.01`, never $0.00. */
export function formatMoney(value: number): string {
  return value > 0 && value < 0.01 ? '<$0.01' : `$${cents.format(value)}`
}

/** $0.0123, with two to four places. */
export const formatExactMoney = (value: number): string => `$${exact.format(value)}`

const units = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
] as const

/** 12s, 4m, 3h, 2d: only the largest unit. */
export function formatSpan(ms: number): string {
  for (const [size, name] of units) if (ms >= size) return `${Math.floor(ms / size)}${name}`
  return `${Math.max(0, Math.floor(ms / 1_000))}s`
}

/** 4:12, 1:04:12 */
export function formatCountdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000))
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60]
  const tail = String(seconds % 60).padStart(2, '0')
  return hours ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`
}

/** 14:03:12; for another day than today, with the day before it. */
export function formatTime(time: string | number, now: number = Date.now()): string {
  const { clock, day } = formats[zone.value]
  const date = new Date(time)
  const isToday = day.format(date) === day.format(new Date(now))
  return isToday ? clock.format(date) : `${day.format(date)} ${clock.format(date)}`
}

/** 23 Nov 2026, 14:03:12 UTC */
export const formatFullTime = (time: string | number): string =>
  formats[zone.value].full.format(new Date(time))

/** "3 agents" */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

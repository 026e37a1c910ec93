import { signal } from '@preact/signals'

/** Times are shown, typed and summed in the zone of the browser, or in UTC, as logs have them. */
export type Zone = 'local' | 'utc'
export const zone = signal<Zone>('local')

/** The name of the zone, as the API and `Intl` take it. */
export function zoneName(): string {
  return zone.value === 'utc' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone
}

/** What `Intl` needs beside its other options. */
export const inZone = (): { timeZone?: 'UTC' } => (zone.value === 'utc' ? { timeZone: 'UTC' } : {})

/** `2026-11-23T12:00:00`, as an input of type `datetime-local` has it. Empty for what is no time. */
export function toFieldTime(time: string | null): string {
  const at = new Date(time ?? '')
  if (Number.isNaN(at.getTime())) return ''
  const ahead_ms = zone.value === 'utc' ? 0 : -at.getTimezoneOffset() * 60_000
  return new Date(at.getTime() + ahead_ms).toISOString().slice(0, 19)
}

/** The time that such an input has, as ISO 8601 in UTC. Undefined for what is no time. */
export function fromFieldTime(text: string): string | undefined {
  const at = new Date(zone.value === 'utc' ? `${text}Z` : text)
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString()
}

/** When the day of `ms` begins, or the one `days` after it. Days are as long as the clocks make them. */
export function startOfDay(ms: number, days = 0): number {
  const at = new Date(ms)
  if (zone.value === 'utc') return Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate() + days)
  return new Date(at.getFullYear(), at.getMonth(), at.getDate() + days).getTime()
}

/** When the hour of `ms` begins: not every zone is whole hours from UTC. */
export function startOfHour(ms: number): number {
  const at = new Date(ms)
  if (zone.value === 'utc') return at.setUTCMinutes(0, 0, 0)
  return at.setMinutes(0, 0, 0)
}

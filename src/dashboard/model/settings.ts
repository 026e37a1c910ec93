import { computed, effect, signal } from '@preact/signals'
import { type Zone, zone } from './zone.ts'

export const themes = ['auto', 'light', 'dark'] as const
export const densities = ['compact', 'regular', 'roomy'] as const
export const zones = ['local', 'utc'] as const satisfies Zone[]
export const alertings = ['off', 'on'] as const
export type Density = (typeof densities)[number]

const HIDDEN_AT_FIRST = ['type', 'tasks']

/** Settings are the only thing that the page stores in the browser. */
export const theme = stored('theme', themes, 'auto')
export const density = stored('density', densities, 'regular')
/** The time zone of what is shown. */
export const shownZone = stored('zone', zones, 'local')
/** Whether the browser notifies of new requests. */
export const alerts = stored('alerts', alertings, 'off')

/** Columns of the fleet that are not shown; the type is below the name then. */
export const hiddenColumns = signal<ReadonlySet<string>>(
  new Set(read('signalbox.hidden-columns')?.split(',') ?? HIDDEN_AT_FIRST),
)
effect(() => write('signalbox.hidden-columns', [...hiddenColumns.value].join()))

export function resetColumns(): void {
  hiddenColumns.value = new Set(HIDDEN_AT_FIRST)
}

const dark = matchMedia('(prefers-color-scheme: dark)')
const isDarkOutside = signal(dark.matches)
dark.addEventListener('change', ({ matches }) => {
  isDarkOutside.value = matches
})
/** Whether the page is dark now. */
export const darkness = computed(() =>
  theme.value === 'auto' ? isDarkOutside.value : theme.value === 'dark',
)

effect(() => {
  zone.value = shownZone.value
})
effect(() => {
  document.documentElement.dataset.theme = theme.value
})
effect(() => {
  document.documentElement.dataset.density = density.value
})

/** The words for values that are stored by other names. */
const words: Partial<Record<string, string>> = { auto: 'system', roomy: 'comfortable', utc: 'UTC' }

export const wordOf = (value: string): string => words[value] ?? value

function stored<Value extends string>(name: string, values: readonly Value[], otherwise: Value) {
  const key = `signalbox.${name}`
  const setting = signal(values.find((value) => value === read(key)) ?? otherwise)
  effect(() => write(key, setting.value))
  return setting
}

/** A browser may forbid its storage. */
function read(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {}
}

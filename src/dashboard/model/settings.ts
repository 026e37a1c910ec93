import { computed, effect, signal } from '@preact/signals'

export const themes = ['auto', 'light', 'dark'] as const
export const densities = ['compact', 'regular', 'roomy'] as const
export type Theme = (typeof themes)[number]
export type Density = (typeof densities)[number]

/** How the page looks: all that is ever kept in the browser. */
export const theme = kept('theme', themes, 'auto')
export const density = kept('density', densities, 'regular')

const dark = matchMedia('(prefers-color-scheme: dark)')
const isDarkOutside = signal(dark.matches)
dark.addEventListener('change', ({ matches }) => {
  isDarkOutside.value = matches
})
/** What the theme comes to. */
export const darkness = computed(() =>
  theme.value === 'auto' ? isDarkOutside.value : theme.value === 'dark',
)

effect(() => {
  document.documentElement.dataset.theme = theme.value
})
effect(() => {
  document.documentElement.dataset.density = density.value
})

function kept<Value extends string>(name: string, values: readonly Value[], otherwise: Value) {
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

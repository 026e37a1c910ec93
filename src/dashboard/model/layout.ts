import { computed, signal } from '@preact/signals'
import { type Density, density } from './settings.ts'

const narrow = matchMedia('(max-width: 760px)')
/** Whether the page is as narrow as a phone. */
export const isNarrow = signal(narrow.matches)
narrow.addEventListener('change', ({ matches }) => {
  isNarrow.value = matches
})

const heights: Record<Density, number> = { compact: 28, regular: 38, roomy: 50 }
/** Four lines: the name, its labels, the status, the command. */
const NARROW_HEIGHT = 94

/** In pixels; `--row` in the style sheet has the same value. */
export const rowHeight = computed(() => (isNarrow.value ? NARROW_HEIGHT : heights[density.value]))

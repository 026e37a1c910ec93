import { computed, signal } from '@preact/signals'
import { type Density, density } from './settings.ts'

const narrow = matchMedia('(max-width: 760px)')
const isNarrow = signal(narrow.matches)
narrow.addEventListener('change', ({ matches }) => {
  isNarrow.value = matches
})

const heights: Record<Density, number> = { compact: 28, regular: 38, roomy: 50 }
/** Two lines for a thumb. */
const NARROW_HEIGHT = 66

/** In pixels; the style sheet has the same in `--row`. */
export const rowHeight = computed(() => (isNarrow.value ? NARROW_HEIGHT : heights[density.value]))

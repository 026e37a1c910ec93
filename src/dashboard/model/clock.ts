import { type ReadonlySignal, signal } from '@preact/signals'
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'

/** Milliseconds since 1970, updated each second. */
export const now = signal(Date.now())
setInterval(() => {
  now.value = Date.now()
}, 1_000)

/** The time that what is shown is of: now, unless a part of the page shows a moment in the past. */
export const ShownTime = createContext<ReadonlySignal<number>>(now)
export const useShownTime = (): ReadonlySignal<number> => useContext(ShownTime)

/** Runs `work` once in the next frame, however often it is called; in a hidden page, when the page is shown again. */
export function framed(work: () => void): () => void {
  let isWaiting = false
  return () => {
    if (isWaiting) return
    isWaiting = true
    requestAnimationFrame(() => {
      isWaiting = false
      work()
    })
  }
}

import { signal } from '@preact/signals'

/** Milliseconds since 1970, each second. */
export const now = signal(Date.now())
setInterval(() => {
  now.value = Date.now()
}, 1_000)

/** Runs `work` with the next frame, once for all that ask before it; in a page that is not shown, when it is again. */
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

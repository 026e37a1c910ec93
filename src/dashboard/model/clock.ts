import { signal } from '@preact/signals'

/** Milliseconds since 1970, updated each second. */
export const now = signal(Date.now())
setInterval(() => {
  now.value = Date.now()
}, 1_000)

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

/** The longest wait of Node's timers. A longer one would fire at once. */
const MAX_WAIT_MS = 2 ** 31 - 1

/** Calls back at a time of a clock (in milliseconds), however far away. Returns a function that cancels it. */
export function callAt(time: number, now: () => number, callback: () => void): () => void {
  let timer: NodeJS.Timeout
  const arm = () => {
    const left = Math.max(0, time - now())
    // The clock may have been set since, or have stood still.
    timer = setTimeout(() => (now() >= time ? callback() : arm()), Math.min(Math.ceil(left), MAX_WAIT_MS))
  }
  arm()
  return () => clearTimeout(timer)
}

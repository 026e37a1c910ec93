/** What Node's timers can wait at most: anything longer would fire at once. */
const MAX_WAIT_MS = 2 ** 31 - 1

/** Calls back at a time (milliseconds since 1970), however far away. Returns what cancels it. */
export function callAt(time: number, callback: () => void): () => void {
  let timer: NodeJS.Timeout
  const arm = () => {
    const left = time - Date.now()
    timer = left > MAX_WAIT_MS ? setTimeout(arm, MAX_WAIT_MS) : setTimeout(callback, Math.max(0, left))
  }
  arm()
  return () => clearTimeout(timer)
}

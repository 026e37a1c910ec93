/** The longest wait of a timer: `setTimeout` with a longer one fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** Calls back after `ms`, which may exceed the limit of `setTimeout`. Returns a function that cancels the timer. */
export function startTimer(ms: number, callback: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>
  const arm = (left: number) => {
    timer =
      left > MAX_TIMER_MS
        ? setTimeout(() => arm(left - MAX_TIMER_MS), MAX_TIMER_MS)
        : setTimeout(callback, left)
  }
  arm(ms)
  return () => clearTimeout(timer)
}

/** Settles as `work` does; rejects with `late()` after `ms`, or with the signal's reason when it aborts. */
export async function within<Result>(
  ms: number,
  work: Result | PromiseLike<Result>,
  { late, signal }: { late: () => Error; signal?: AbortSignal | undefined },
): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>()
  const cancel = startTimer(ms, () => reject(late()))
  const stop = () => reject(signal?.reason)
  if (signal?.aborted) stop()
  signal?.addEventListener('abort', stop)
  try {
    return await Promise.race([work, promise])
  } finally {
    cancel()
    signal?.removeEventListener('abort', stop)
  }
}

/** Rejects with the signal's reason when it aborts. */
export function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      cancel()
      reject(signal?.reason)
    }
    const cancel = startTimer(ms, () => {
      signal?.removeEventListener('abort', stop)
      resolve()
    })
    if (signal?.aborted) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })
}

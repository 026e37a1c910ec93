/** As the promise; rejects with the reason of the signal as soon as that aborts. */
export function guard<Result>(promise: PromiseLike<Result>, signal: AbortSignal): Promise<Result> {
  const { promise: guarded, resolve, reject } = Promise.withResolvers<Result>()
  const stop = () => reject(signal.reason)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop)
  // Also after the abort: nothing else may handle a late rejection of the promise.
  promise.then(resolve, reject)
  return guarded.finally(() => signal.removeEventListener('abort', stop))
}

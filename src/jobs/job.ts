import { setTimeout } from 'node:timers/promises'

/** Work that time asks for. A failure is reported, and the next turn tries again. */
export type Job = { name: string; every_ms: number; run: () => Promise<void> }

/** Runs jobs, each again `every_ms` after it ended; returns what stops them and waits for those under way. */
export function startJobs(
  jobs: readonly Job[],
  onError: (error: unknown, name: string) => void,
): () => Promise<void> {
  const ended: Promise<void>[] = []
  const stop = new AbortController()
  for (const job of jobs) ended.push(repeat(job, stop.signal, onError))
  return async () => {
    stop.abort()
    await Promise.all(ended)
  }
}

async function repeat(
  { name, every_ms, run }: Job,
  signal: AbortSignal,
  onError: (error: unknown, name: string) => void,
): Promise<void> {
  while (!signal.aborted) {
    // Rejects when the signal is aborted.
    await setTimeout(every_ms, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    try {
      await run()
    } catch (error) {
      onError(error, name)
    }
  }
}

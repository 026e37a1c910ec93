import { setTimeout } from 'node:timers/promises'

/** Work that time asks for. A failure is reported, and the next turn tries again. */
export type Job = { name: string; every_ms: number; run: () => Promise<void> }

/** Hears how the turns of jobs end. */
export type JobWatch = {
  started(name: string): void
  done(name: string): void
  failed(name: string, error: unknown): void
}

/** Runs jobs, each again `every_ms` after it ended; returns what stops them and waits for those under way. */
export function startJobs(jobs: readonly Job[], watch: JobWatch): () => Promise<void> {
  const ended: Promise<void>[] = []
  const stop = new AbortController()
  for (const job of jobs) {
    watch.started(job.name)
    ended.push(repeat(job, stop.signal, watch))
  }
  return async () => {
    stop.abort()
    await Promise.all(ended)
  }
}

async function repeat({ name, every_ms, run }: Job, signal: AbortSignal, watch: JobWatch): Promise<void> {
  while (!signal.aborted) {
    // Rejects when the signal is aborted.
    await setTimeout(every_ms, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    try {
      await run()
      watch.done(name)
    } catch (error) {
      watch.failed(name, error)
    }
  }
}

import { setTimeout } from 'node:timers/promises'
import { ByProject } from '#src/commands/by-project.ts'

/** Timed work. A failure is reported, and the next turn tries again. */
export type Job = { name: string; every_ms: number; run: () => Promise<void> }

/**
 * A job that works through what is due, `limit` items at a time, until fewer are left. A project that is held up delays no
 * other. `work` returns how many items were due, at most `limit`.
 */
export function createDueJob(
  { limit = 1_000, ...rest }: Pick<Job, 'name' | 'every_ms'> & { limit?: number },
  work: (byProject: ByProject, limit: number) => Promise<number>,
): Job {
  const byProject = new ByProject()
  return {
    ...rest,
    async run() {
      while ((await work(byProject, limit)) === limit);
    },
  }
}

/** Hears how the turns of jobs end. */
export type JobWatch = {
  started(name: string): void
  done(name: string): void
  failed(name: string, error: unknown): void
}

/** Runs each job again `every_ms` after it ended. Returns a function that stops the jobs and waits for running ones. */
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
    // An aborted signal rejects.
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

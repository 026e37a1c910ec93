import type { Logger } from 'pino'
import type { JobWatch } from '#src/jobs/job.ts'
import type { JobMetrics } from '#src/metrics/jobs.ts'

/** A trouble that no success can end is over after this long without a failure. */
const QUIET_MS = 10_000
/** Further reasons of the same trouble are not logged. */
const MAX_REASONS = 5

type Trouble = { since: number; kinds: Set<string>; quiet: NodeJS.Timeout | undefined }

type Quiet = { details?: object; quiet_ms?: number; isOver?: () => boolean }

/** Logs a repeated failure only when it begins, has a new reason, or is over. */
export class Troubles {
  readonly #log: Logger
  readonly #current = new Map<string, Trouble>()

  constructor(log: Logger) {
    this.#log = log
  }

  /** For a failure that the next success ends: the caller then calls `over`. */
  fails(what: string, error: unknown, details: object = {}): void {
    this.#note(what, error, details)
  }

  /** For a source that reports only failures: over after a while without one, if `isOver` agrees. */
  failsUntilQuiet(
    what: string,
    error: unknown,
    { details = {}, quiet_ms = QUIET_MS, isOver = () => true }: Quiet = {},
  ): void {
    const trouble = this.#note(what, error, details)
    const wait = () => {
      clearTimeout(trouble.quiet)
      trouble.quiet = setTimeout(() => (isOver() ? this.over(what) : wait()), quiet_ms).unref()
    }
    wait()
  }

  over(what: string): void {
    const trouble = this.#current.get(what)
    if (!trouble) return
    clearTimeout(trouble.quiet)
    this.#current.delete(what)
    const seconds = Math.round((performance.now() - trouble.since) / 1_000)
    this.#log.info({ seconds }, `${what}: it is over`)
  }

  #note(what: string, error: unknown, details: object): Trouble {
    const trouble = this.#current.get(what) ?? {
      since: performance.now(),
      kinds: new Set(),
      quiet: undefined,
    }
    this.#current.set(what, trouble)
    const { reason, kind } = describe(error)
    if (trouble.kinds.size < MAX_REASONS && !trouble.kinds.has(kind)) {
      trouble.kinds.add(kind)
      this.#log.warn({ ...details, reason }, what)
    }
    return trouble
  }
}

/** Takes the last of several attempts, such as one for each address of a name. */
function describe(error: unknown): { reason: string; kind: string } {
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors.at(-1))
  const reason = error instanceof Error ? error.message : String(error)
  // An absent peer refuses, resets and times out in turn, which counts as one reason.
  return { reason, kind: error instanceof Error && 'syscall' in error ? 'connection' : reason }
}

/** Counts the turns of jobs, and logs a job that fails once per reason. */
export function watchJobs(metrics: JobMetrics, troubles: Troubles): JobWatch {
  return {
    ...metrics,
    done(job) {
      metrics.done(job)
      troubles.over(`the job ${job} failed`)
    },
    failed(job, err) {
      metrics.failed(job)
      troubles.fails(`the job ${job} failed`, err, { err, job })
    },
  }
}

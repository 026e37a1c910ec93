import { ByProject } from '#src/commands/by-project.ts'
import type { CommandContext } from '#src/commands/context.ts'
import { endLeftOpen, expireRequests } from '#src/commands/requests.ts'
import type { Job } from './job.ts'

const BATCH = 1_000
const EVERY_MS = 500
/** How often requests are looked for that no server should have left open. */
const LEFT_OPEN_MS = 60_000

/**
 * Ends requests at their `expires_at`, at most 2 s late. Every replica does so, and leaves alone a request that has ended.
 */
export function createRequestJob(context: Pick<CommandContext, 'writes' | 'database'>): Job {
  const turns = new ByProject()
  let looked_at = Number.NEGATIVE_INFINITY
  return {
    name: 'requests',
    every_ms: EVERY_MS,
    async run() {
      while ((await expireRequests(context, turns, BATCH)) === BATCH);
      if (performance.now() - looked_at < LEFT_OPEN_MS) return
      looked_at = performance.now()
      await endLeftOpen(context, turns, BATCH)
    },
  }
}

import { resumeDueAgents } from '#src/commands/agents.ts'
import type { CommandContext } from '#src/commands/context.ts'
import type { Job } from './job.ts'

const BATCH = 1_000

/**
 * Ends pauses at their `resume_at`, at most 2 s late. Every replica looks: who finds an agent resumed already
 * leaves it alone.
 */
export function createPauseJob(context: Pick<CommandContext, 'writes' | 'database' | 'clock'>): Job {
  return {
    name: 'pauses',
    every_ms: 500,
    async run() {
      while ((await resumeDueAgents(context, BATCH)) === BATCH);
    },
  }
}

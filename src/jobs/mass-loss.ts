import type { Database } from '#src/store/database.ts'
import { countConnected } from '#src/store/replicas.ts'
import type { Job } from './job.ts'

const WINDOW_MS = 5_000
/** A single link of a small project comes and goes. */
const MIN_LOST = 2

export type MassLoss = { project_id: string; lost: number; left: number }

/**
 * Watches for projects that lose over half of their links at once: within one window, as this process sees
 * it. `note` a link that ended without its runtime having asked for it.
 */
export function createMassLossWatch(
  database: Database,
  report: (loss: MassLoss) => void,
): { note: (project_id: string) => void; job: Job } {
  let lost = new Map<string, number>()
  const note = (project_id: string) => {
    lost.set(project_id, (lost.get(project_id) ?? 0) + 1)
  }
  const job: Job = {
    name: 'mass-loss',
    every_ms: WINDOW_MS,
    async run() {
      const noted = [...lost].filter(([, count]) => count >= MIN_LOST)
      lost = new Map()
      if (noted.length === 0) return
      const connected = await countConnected(
        database,
        noted.map(([project_id]) => project_id),
      )
      for (const [project_id, count] of noted) {
        const left = connected.get(project_id) ?? 0
        if (count > left) report({ project_id, lost: count, left })
      }
    },
  }
  return { note, job }
}

import type { Database } from '#src/store/database.ts'
import { countConnected } from '#src/store/replicas.ts'
import type { Job } from './job.ts'

const WINDOW_MS = 5_000
/** Below this, nothing is reported: a single link of a small project may come and go. */
const MIN_LOST = 2

export type MassLoss = { project_id: string; lost: number; left: number }

/**
 * Reports projects that lose over half of their links of this process within one window. Call `note` for each link that
 * ended although its runtime did not ask for it.
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

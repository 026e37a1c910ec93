import { notFound } from '#src/domain/errors.ts'
import type { Database } from '#src/store/database.ts'
import { listProjectIds, renewEpoch } from '#src/store/epochs.ts'

export type Renewed = { project_id: string; epoch: number }

/**
 * Gives projects a new epoch, after their database was set back to an older state: one, or all. Each in a transaction
 * of its own. Refuses with `not_found`.
 */
export async function renewEpochs(database: Database, project_id?: string): Promise<Renewed[]> {
  const renewed: Renewed[] = []
  for (const id of project_id === undefined ? await listProjectIds(database) : [project_id]) {
    const epoch = await database.transaction((sql) => renewEpoch(sql, id))
    // One that was deleted meanwhile has no readers.
    if (epoch !== undefined) renewed.push({ project_id: id, epoch })
    else if (project_id !== undefined) throw notFound.project(project_id)
  }
  return renewed
}

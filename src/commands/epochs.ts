import { notFound } from '#src/domain/errors.ts'
import type { Database } from '#src/store/database.ts'
import { type LogPlace, listProjectIds, renewEpoch, renewSetBackEpoch } from '#src/store/epochs.ts'

export type Renewed = { project_id: string; epoch: number }

/**
 * Gives one project, or all, a new epoch after the database was set back to an older state. Each project has its own
 * transaction. Refuses with `not_found`.
 */
export async function renewEpochs(database: Database, project_id?: string): Promise<Renewed[]> {
  const renewed: Renewed[] = []
  for (const id of project_id === undefined ? await listProjectIds(database) : [project_id]) {
    const epoch = await database.transaction((sql) => renewEpoch(sql, id))
    // A project that was deleted since it was listed has no readers.
    if (epoch !== undefined) renewed.push({ project_id: id, epoch })
    else if (project_id !== undefined) throw notFound.project(project_id)
  }
  return renewed
}

/**
 * Gives a project a new epoch if its log was set back behind an event that a reader has; a failover that loses the last
 * commits does that. Undefined if it was not set back, or another replica has given it the new epoch.
 */
export async function renewSetBack(database: Database, place: LogPlace): Promise<Renewed | undefined> {
  const { project_id } = place
  const epoch = await database.transaction((sql) => renewSetBackEpoch(sql, place))
  return epoch === undefined ? undefined : { project_id, epoch }
}

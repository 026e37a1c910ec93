import { type Renewed, renewEpochs } from './commands/epochs.ts'
import type { Config } from './config.ts'
import { withMigratedDatabase } from './migrate.ts'
import { openDatabase } from './store/database.ts'

/** Gives projects a new epoch: one, or all. Brings the schema up to date first, as a backup may be of an older one. */
export function bumpEpochs(config: Config, project_id?: string): Promise<Renewed[]> {
  return withMigratedDatabase(config, async ({ orm, location }) =>
    renewEpochs(await openDatabase(orm, location), project_id),
  )
}

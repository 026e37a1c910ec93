import { type Renewed, renewEpochs } from '#src/commands/epochs.ts'
import type { Config } from '#src/config/config.ts'
import { openDatabase } from '#src/store/database.ts'
import type { MigrationWatch } from '#src/store/migrate.ts'
import { withMigratedDatabase } from './migrate.ts'

/** Gives one project or all a new epoch. Migrates first, since a backup may have an older schema. */
export function bumpEpochs(config: Config, watch: MigrationWatch, project_id?: string): Promise<Renewed[]> {
  return withMigratedDatabase(config, watch, async ({ orm, location }) =>
    renewEpochs(await openDatabase(orm, location), project_id),
  )
}

import { Migration20261124042228_initial } from './Migration20261124042228_initial.ts'
import { Migration20261125030142_runtimes } from './Migration20261125030142_runtimes.ts'
import { Migration20261125034244_access } from './Migration20261125034244_access.ts'
import { Migration20261125124500_epochs } from './Migration20261125124500_epochs.ts'
import { Migration20261125124500_traces } from './Migration20261125124500_traces.ts'
import { Migration20261125124529_webhooks } from './Migration20261125124529_webhooks.ts'

/** Every migration, oldest first, under the name that databases have noted. Imported, so that a bundle has them. */
export const migrations = {
  Migration20261124042228_initial,
  Migration20261125030142_runtimes,
  Migration20261125034244_access,
  Migration20261125124500_epochs,
  Migration20261125124500_traces,
  Migration20261125124529_webhooks,
}

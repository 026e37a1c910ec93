import { Migration20261124042228_initial } from './Migration20261124042228_initial.ts'
import { Migration20261125030142_runtimes } from './Migration20261125030142_runtimes.ts'
import { Migration20261125034244_access } from './Migration20261125034244_access.ts'
import { Migration20261125124500_epochs } from './Migration20261125124500_epochs.ts'
import { Migration20261125124500_traces } from './Migration20261125124500_traces.ts'
import { Migration20261125124529_webhooks } from './Migration20261125124529_webhooks.ts'
import { Migration20261128090500_issues_newest_first } from './Migration20261128090500_issues_newest_first.ts'
import { Migration20261128091000_webhook_trials } from './Migration20261128091000_webhook_trials.ts'
import { Migration20261128141000_composed_emails } from './Migration20261128141000_composed_emails.ts'
import { Migration20261128142000_missed_reports } from './Migration20261128142000_missed_reports.ts'
import { Migration20261129003000_fleets } from './Migration20261129003000_fleets.ts'
import { Migration20261129003635_requests } from './Migration20261129003635_requests.ts'
import { Migration20261129004100_selectors } from './Migration20261129004100_selectors.ts'
import { Migration20261129004200_registration } from './Migration20261129004200_registration.ts'
import { Migration20261129004500_trees } from './Migration20261129004500_trees.ts'
import { Migration20261129004512_webhook_formats } from './Migration20261129004512_webhook_formats.ts'
import { Migration20261129005100_usage } from './Migration20261129005100_usage.ts'
import { Migration20261129042334_fetched_signals } from './Migration20261129042334_fetched_signals.ts'
import { Migration20261129042442_holds } from './Migration20261129042442_holds.ts'
import { Migration20261129043000_delegated_tokens } from './Migration20261129043000_delegated_tokens.ts'
import { Migration20261129050000_budgets } from './Migration20261129050000_budgets.ts'
import { Migration20261129100000_activity } from './Migration20261129100000_activity.ts'

/** Every migration, oldest first, under the name that databases have noted. Imported, so that a bundle has them. */
export const migrations = {
  Migration20261124042228_initial,
  Migration20261125030142_runtimes,
  Migration20261125034244_access,
  Migration20261125124500_epochs,
  Migration20261125124500_traces,
  Migration20261125124529_webhooks,
  Migration20261128090500_issues_newest_first,
  Migration20261128091000_webhook_trials,
  Migration20261128141000_composed_emails,
  Migration20261128142000_missed_reports,
  Migration20261129003000_fleets,
  Migration20261129003635_requests,
  Migration20261129004100_selectors,
  Migration20261129004200_registration,
  Migration20261129004500_trees,
  Migration20261129004512_webhook_formats,
  Migration20261129005100_usage,
  Migration20261129042334_fetched_signals,
  Migration20261129042442_holds,
  Migration20261129043000_delegated_tokens,
  Migration20261129050000_budgets,
  Migration20261129100000_activity,
}

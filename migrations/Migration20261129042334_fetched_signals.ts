import { Migration } from '@mikro-orm/migrations'

/** When a signal was last delivered over HTTP. The index finds those whose acknowledgement is overdue. */
export class Migration20261129042334_fetched_signals extends Migration {
  override name = 'Migration20261129042334_fetched_signals'

  override up(): void | Promise<void> {
    this.addSql(`alter table "signals" add column "fetched_at" timestamptz(3) null;`)
    this.addSql(
      `create index "signals_fetched" on "signals" ("fetched_at") where fetched_at is not null and overdue_at is null and outcome is null and kind <> 'message';`,
    )
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "signals_fetched";`)
    this.addSql(`alter table "signals" drop column "fetched_at";`)
  }
}

import { Migration } from '@mikro-orm/migrations'

export class Migration20261125124500_traces extends Migration {
  override name = 'Migration20261125124500_traces'

  override up(): void | Promise<void> {
    this.addSql(`alter table "signals" add column "traceparent" varchar(55) null;`)
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "signals" drop column "traceparent";`)
  }
}

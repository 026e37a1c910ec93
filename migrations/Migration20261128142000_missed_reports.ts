import { Migration } from '@mikro-orm/migrations'

export class Migration20261128142000_missed_reports extends Migration {
  override name = 'Migration20261128142000_missed_reports'

  override up(): void | Promise<void> {
    this.addSql(`alter table "agents" add column "missed_reports" jsonb not null default '[]';`)
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "agents" drop column "missed_reports";`)
  }
}

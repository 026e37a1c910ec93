import { Migration } from '@mikro-orm/migrations'

export class Migration20261128090500_issues_newest_first extends Migration {
  override name = 'Migration20261128090500_issues_newest_first'

  override up(): void | Promise<void> {
    this.addSql(`create index "issues_newest_first" on "issues" ("project_id", "created_at", "id");`)
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "issues_newest_first";`)
  }
}

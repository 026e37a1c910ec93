import { Migration } from '@mikro-orm/migrations'

export class Migration20261125124500_epochs extends Migration {
  override name = 'Migration20261125124500_epochs'

  override up(): void | Promise<void> {
    this.addSql(`alter table "projects" add "epoch" bigint not null default '1';`)
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "projects" drop column "epoch";`)
  }
}

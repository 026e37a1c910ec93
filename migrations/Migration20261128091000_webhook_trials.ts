import { Migration } from '@mikro-orm/migrations'

export class Migration20261128091000_webhook_trials extends Migration {
  override name = 'Migration20261128091000_webhook_trials'

  override up(): void | Promise<void> {
    this.addSql(
      `alter table "webhooks" add "failed_seconds" double precision not null default 0, add "revision" int not null default 0;`,
    )
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "webhooks" drop column "failed_seconds", drop column "revision";`)
  }
}

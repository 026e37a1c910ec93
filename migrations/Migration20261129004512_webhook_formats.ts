import { Migration } from '@mikro-orm/migrations'

/** What a webhook's requests look like, and where the server was when it was created. */
export class Migration20261129004512_webhook_formats extends Migration {
  override name = 'Migration20261129004512_webhook_formats'

  override up(): void | Promise<void> {
    this.addSql(`alter table "webhooks"
      add column "format" text not null default 'signalbox',
      add column "origin" text null,
      add constraint "webhooks_format_check" check ("format" in ('signalbox', 'slack', 'cloudevents'));`)
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "webhooks" drop column "format", drop column "origin";`)
  }
}

import { Migration } from '@mikro-orm/migrations'

/** No agent has a label before this, so the index is empty and quickly made, however many agents there are. */
export class Migration20261129004100_selectors extends Migration {
  override name = 'Migration20261129004100_selectors'

  override up(): void | Promise<void> {
    this.addSql(
      `create index "agents_by_label" on "agents" using gin ("labels" jsonb_path_ops) where labels <> '{}';`,
    )
    this.addSql(`alter table "webhooks" add column "selector" text null;`)
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "webhooks" drop column "selector";`)
    this.addSql(`drop index "agents_by_label";`)
  }
}

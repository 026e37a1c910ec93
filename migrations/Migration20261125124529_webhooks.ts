import { Migration } from '@mikro-orm/migrations'

export class Migration20261125124529_webhooks extends Migration {
  override name = 'Migration20261125124529_webhooks'

  override up(): void | Promise<void> {
    this.addSql(
      `create table "webhooks" ("id" uuid not null, "project_id" uuid not null, "url" text not null, "events" jsonb null, "secret" text not null, "old_secret" text null, "old_secret_until" timestamptz(3) null, "cursor" bigint not null default '0', "pending_last" bigint null, "is_active" boolean not null, "created_by" uuid not null, "created_at" timestamptz(3) not null, "last_attempt_at" timestamptz(3) null, "last_success_at" timestamptz(3) null, "last_status" int null, "last_error" varchar(255) null, "failing_since" timestamptz(3) null, "failures" int not null default 0, "next_attempt_at" timestamptz(3) not null, "disabled_at" timestamptz(3) null, "lease" uuid null, "leased_until" timestamptz(3) null, primary key ("id"));`,
    )
    this.addSql(`create index "webhooks_project_id_index" on "webhooks" ("project_id");`)

    this.addSql(
      `alter table "webhooks" add constraint "webhooks_project_id_foreign" foreign key ("project_id") references "projects" ("id") on delete cascade;`,
    )
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "webhooks" cascade;`)
  }
}

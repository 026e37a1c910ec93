import { Migration } from '@mikro-orm/migrations'

export class Migration20261129042442_holds extends Migration {
  override name = 'Migration20261129042442_holds'

  override up(): void | Promise<void> {
    this.addSql(`create table "holds" (
      "id" uuid not null, "project_id" uuid null, "group_id" uuid null, "reason" varchar(500) not null,
      "selector" text null, "agent_type_id" uuid null, "mode" text not null, "until" timestamptz(3) null,
      "budget_id" uuid null, "created_by" jsonb not null, "created_at" timestamptz(3) not null,
      "released_at" timestamptz(3) null, "released_by" jsonb null, "affected_count" int not null default 0,
      "placed_count" int null, "over_seconds" int not null default 0, "resumed_count" int not null default 0,
      "scheduled_count" int not null default 0, "is_settled" boolean not null default false,
      "lease" uuid null, "leased_until" timestamptz(3) null, primary key ("id"));`)
    this.addSql(`create index "holds_newest_first" on "holds" ("project_id", "created_at", "id");`)
    this.addSql(`create index "holds_active" on "holds" ("project_id") where released_at is null;`)
    this.addSql(`create index "holds_unsettled" on "holds" ("created_at") where not is_settled;`)
    this.addSql(
      `create index "holds_to_end" on "holds" ("until") where released_at is null and until is not null;`,
    )
    this.addSql(`create index "holds_to_forget" on "holds" ("released_at") where released_at is not null;`)
    this.addSql(`alter table "holds" add constraint "holds_of_group" unique ("group_id", "project_id");`)
    this.addSql(`alter table "holds" add constraint "holds_project_id_foreign"
      foreign key ("project_id") references "projects" ("id") on delete cascade;`)
    this.addSql(
      `alter table "holds" add constraint "holds_mode_check" check ("mode" in ('checkpoint', 'interrupt'));`,
    )
    this.addSql(`create table "held_parents" (
      "hold_id" uuid not null, "agent_id" uuid not null, "by_id" uuid not null, "after_id" uuid null,
      primary key ("hold_id", "agent_id"));`)
    this.addSql(`alter table "held_parents" add constraint "held_parents_hold_id_foreign"
      foreign key ("hold_id") references "holds" ("id") on delete cascade;`)
    this.addSql(`alter table "projects" add "active_holds" int not null default 0;`)
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "held_parents" cascade;`)
    this.addSql(`drop table if exists "holds" cascade;`)
    this.addSql(`alter table "projects" drop column "active_holds";`)
  }
}

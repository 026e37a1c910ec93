import { Migration } from '@mikro-orm/migrations'

/** Budgets, their past windows, and the agents that a used-up budget of a tree stops. */
export class Migration20261129050000_budgets extends Migration {
  override name = 'Migration20261129050000_budgets'

  override up(): void | Promise<void> {
    this.addSql(`create table "budgets" (
      "id" uuid not null, "project_id" uuid not null, "name" varchar(255) not null, "metric" text not null,
      "limit" numeric(24,4) not null, "window" text not null, "timezone" varchar(64) not null,
      "selector" text null, "agent_type_id" uuid null, "agent_id" uuid null, "warn_at" jsonb not null,
      "action" text not null, "mode" text not null, "spent" numeric(24,4) not null default '0',
      "starts_at" timestamptz(3) not null, "resets_at" timestamptz(3) null,
      "warned" jsonb not null default '[]', "exceeded_at" timestamptz(3) null, "hold_id" uuid null,
      "is_settled" boolean not null default true, "created_by" jsonb not null,
      "created_at" timestamptz(3) not null, primary key ("id"))
      with (fillfactor = 50);`)
    this.addSql(`create index "budgets_by_project" on "budgets" ("project_id", "created_at", "id");`)
    this.addSql(`create index "budgets_exceeded" on "budgets" ("resets_at") where exceeded_at is not null;`)
    this.addSql(`create index "budgets_to_settle" on "budgets" ("id") where not is_settled;`)
    this.addSql(`create table "budget_periods" (
      "budget_id" uuid not null, "starts_at" timestamptz(3) not null, "ends_at" timestamptz(3) not null,
      "spent" numeric(24,4) not null, "limit" numeric(24,4) not null, "exceeded_at" timestamptz(3) null,
      primary key ("budget_id", "starts_at"));`)
    this.addSql(`alter table "projects" add "budget_count" int not null default 0;`)
    this.addSql(`alter table "agents" add "over_budgets" jsonb not null default '[]';`)
    this.addSql(`alter table "budgets" add constraint "budgets_project_id_foreign"
      foreign key ("project_id") references "projects" ("id") on delete cascade;`)
    this.addSql(
      `alter table "budgets" add constraint "budgets_metric_check" check ("metric" in ('cost', 'tokens'));`,
    )
    this.addSql(`alter table "budgets" add constraint "budgets_window_check"
      check ("window" in ('none', 'hour', 'day', 'week', 'month'));`)
    this.addSql(
      `alter table "budgets" add constraint "budgets_action_check" check ("action" in ('notify', 'hold'));`,
    )
    this.addSql(`alter table "budgets" add constraint "budgets_mode_check"
      check ("mode" in ('checkpoint', 'interrupt'));`)
    this.addSql(`alter table "budget_periods" add constraint "budget_periods_budget_id_foreign"
      foreign key ("budget_id") references "budgets" ("id") on delete cascade;`)
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "budget_periods" cascade;`)
    this.addSql(`drop table if exists "budgets" cascade;`)
    this.addSql(`alter table "agents" drop column "over_budgets";`)
    this.addSql(`alter table "projects" drop column "budget_count";`)
  }
}

import { Migration } from '@mikro-orm/migrations'

export class Migration20261129005100_usage extends Migration {
  override name = 'Migration20261129005100_usage'

  override up(): void | Promise<void> {
    this.addSql(`create table "usage" (
      "project_id" uuid not null, "quarter" timestamptz(3) not null, "agent_id" uuid not null,
      "model" varchar(128) not null, "provider" varchar(128) not null,
      "tasks_completed" bigint not null default '0', "tokens_used" bigint not null default '0',
      "input_tokens" bigint not null default '0', "output_tokens" bigint not null default '0',
      "cache_read_input_tokens" bigint not null default '0',
      "cache_creation_input_tokens" bigint not null default '0',
      "reasoning_output_tokens" bigint not null default '0',
      "cost_incurred" numeric(24,4) not null default 0,
      primary key ("project_id", "quarter", "agent_id", "model", "provider"));`)
    this.addSql(`alter table "usage" add constraint "usage_project_id_foreign"
      foreign key ("project_id") references "projects" ("id") on delete cascade;`)
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "usage" cascade;`)
  }
}

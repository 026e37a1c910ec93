import { Migration } from '@mikro-orm/migrations'

export class Migration20261129004200_registration extends Migration {
  override name = 'Migration20261129004200_registration'

  override up(): void | Promise<void> {
    this.addSql(`alter table "projects"
      add column "agent_limit" int not null default 10000,
      add column "live_agents" int null,
      add column "live_agents_seq" bigint null;`)
    this.addSql(`create unique index "agents_by_external_id" on "agents" ("external_id", ("project_id"::text))
      where external_id is not null;`)
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "agents_by_external_id";`)
    this.addSql(`alter table "projects" drop column "agent_limit", drop column "live_agents",
      drop column "live_agents_seq";`)
  }
}

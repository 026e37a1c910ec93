import { Migration } from '@mikro-orm/migrations'

export class Migration20261125030142_runtimes extends Migration {
  override name = 'Migration20261125030142_runtimes'

  override up(): void | Promise<void> {
    this.addSql(
      `create table "replicas" ("id" uuid not null, "seen_at" timestamptz(3) not null, primary key ("id"));`,
    )

    this.addSql(
      `create table "api_keys" ("id" uuid not null, "name" varchar(255) not null, "key_hash" varchar(64) not null, "role" text not null, "project_id" uuid null, "agent_id" uuid null, "maker_id" uuid not null, "created_at" timestamptz(3) not null, "expires_at" timestamptz(3) null, "last_used_at" timestamptz(3) null, "revoked_at" timestamptz(3) null, primary key ("id"));`,
    )
    this.addSql(`alter table "api_keys" add constraint "api_keys_key_hash_unique" unique ("key_hash");`)
    this.addSql(`create index "api_keys_project_id_index" on "api_keys" ("project_id");`)
    this.addSql(`create index "api_keys_agent_id_index" on "api_keys" ("agent_id");`)
    this.addSql(`create index "api_keys_maker_id_index" on "api_keys" ("maker_id");`)

    this.addSql(
      `alter table "agents" add "lease" bigint not null default '0', add "runtime_replica" uuid null, add "last_report" bigint not null default '0', add "resume_at" timestamptz(3) null;`,
    )
    this.addSql(
      `create index "agents_by_replica" on "agents" ("runtime_replica") where runtime_replica is not null;`,
    )
    this.addSql(`create index "agents_to_resume" on "agents" ("resume_at") where resume_at is not null;`)
    this.addSql(
      `update "agents" set "resume_at" = ("control"->>'resume_at')::timestamptz where "status" = 'paused';`,
    )

    this.addSql(`alter table "signals" add "detail" text null, add "overdue_at" timestamptz(3) null;`)
    this.addSql(`create index "signals_open" on "signals" ("agent_id", "seq") where outcome is null;`)

    this.addSql(
      `alter table "api_keys" add constraint "api_keys_project_id_foreign" foreign key ("project_id") references "projects" ("id") on delete cascade;`,
    )
    this.addSql(
      `alter table "api_keys" add constraint "api_keys_agent_id_foreign" foreign key ("agent_id") references "agents" ("id") on delete cascade;`,
    )
    this.addSql(
      `alter table "api_keys" add constraint "api_keys_maker_id_foreign" foreign key ("maker_id") references "users" ("id") on delete cascade;`,
    )
    this.addSql(
      `alter table "api_keys" add constraint "api_keys_role_check" check ("role" in ('operator', 'viewer', 'runtime'));`,
    )
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "replicas" cascade;`)
    this.addSql(`drop table if exists "api_keys" cascade;`)

    this.addSql(`drop index "agents_by_replica";`)
    this.addSql(`drop index "agents_to_resume";`)
    this.addSql(
      `alter table "agents" drop column "lease", drop column "runtime_replica", drop column "last_report", drop column "resume_at";`,
    )

    this.addSql(`drop index "signals_open";`)
    this.addSql(`alter table "signals" drop column "detail", drop column "overdue_at";`)
  }
}

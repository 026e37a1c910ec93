import { Migration } from '@mikro-orm/migrations'

export class Migration20261124042228_initial extends Migration {
  override name = 'Migration20261124042228_initial'

  override up(): void | Promise<void> {
    this.addSql(
      `create table "agent_types" ("id" uuid not null, "name" varchar(255) not null, "slug" varchar(255) not null, "description" text null, "is_active" boolean not null default true, "config" jsonb not null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`,
    )
    this.addSql(`alter table "agent_types" add constraint "agent_types_slug_unique" unique ("slug");`)

    this.addSql(
      `create table "users" ("id" uuid not null, "email" varchar(320) not null, "full_name" varchar(255) null, "password_hash" text not null, "is_active" boolean not null default true, "is_superuser" boolean not null default false, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`,
    )
    this.addSql(`alter table "users" add constraint "users_email_unique" unique ("email");`)

    this.addSql(
      `create table "refresh_tokens" ("id" uuid not null, "family_id" uuid not null, "user_id" uuid not null, "token_hash" varchar(64) not null, "created_at" timestamptz(3) not null, "expires_at" timestamptz(3) not null, "spent_at" timestamptz(3) null, "revoked_at" timestamptz(3) null, primary key ("id"));`,
    )
    this.addSql(`create index "refresh_tokens_family_id_index" on "refresh_tokens" ("family_id");`)
    this.addSql(`create index "refresh_tokens_user_id_index" on "refresh_tokens" ("user_id");`)
    this.addSql(
      `alter table "refresh_tokens" add constraint "refresh_tokens_token_hash_unique" unique ("token_hash");`,
    )
    this.addSql(`create index "refresh_tokens_expires_at_index" on "refresh_tokens" ("expires_at");`)

    this.addSql(
      `create table "projects" ("id" uuid not null, "name" varchar(255) not null, "slug" varchar(255) not null, "description" text null, "owner_id" uuid not null, "event_seq" bigint not null default '0', "event_at" timestamptz(3) null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`,
    )
    this.addSql(`alter table "projects" add constraint "projects_slug_unique" unique ("slug");`)
    this.addSql(`create index "projects_owner_id_index" on "projects" ("owner_id");`)

    this.addSql(
      `create table "events" ("project_id" uuid not null, "seq" bigint not null, "at" timestamptz(3) not null, "frame" json not null, primary key ("project_id", "seq"));`,
    )
    this.addSql(`create index "events_at_index" on "events" ("at");`)

    this.addSql(
      `create table "agents" ("id" uuid not null, "project_id" uuid not null, "agent_type_id" uuid not null, "name" varchar(255) not null, "status" text not null default 'idle', "current_task" text null, "short_term_memory" jsonb not null, "long_term_memory_ref" varchar(500) null, "session_id" varchar(255) null, "last_activity_at" timestamptz(3) null, "terminated_at" timestamptz(3) null, "tasks_completed" bigint not null default '0', "tokens_used" bigint not null default '0', "cost_incurred" numeric(14,4) not null default '0', "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, "agent_type_name" varchar(255) not null, "agent_type_slug" varchar(255) not null, "project_name" varchar(255) not null, "project_slug" varchar(255) not null, "assigned_issues_count" int not null default 0, "runtime_connected" boolean not null default false, "runtime_since" timestamptz(3) null, "control" jsonb null, "pending_messages" int not null default 0, "token_limit" bigint null, "cost_limit" numeric(14,4) null, "seq" bigint not null default '0', primary key ("id"));`,
    )
    this.addSql(`create index "agents_agent_type_id_index" on "agents" ("agent_type_id");`)
    this.addSql(`create index "agents_newest_first" on "agents" ("project_id", "created_at", "id");`)

    this.addSql(
      `create table "signals" ("id" uuid not null, "agent_id" uuid not null, "seq" bigint not null, "kind" text not null, "payload" jsonb null, "reason" text null, "issued_at" timestamptz(3) not null, "attempt" int not null default 0, "delivered_at" timestamptz(3) null, "acknowledged_at" timestamptz(3) null, "outcome" text null, primary key ("id"));`,
    )
    this.addSql(`create index "signals_by_agent" on "signals" ("agent_id", "seq");`)

    this.addSql(
      `create table "issues" ("id" uuid not null, "project_id" uuid not null, "title" varchar(255) not null, "description" text null, "status" text not null default 'open', "assigned_agent_id" uuid null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`,
    )
    this.addSql(`create index "issues_project_id_index" on "issues" ("project_id");`)
    this.addSql(`create index "issues_assigned_agent_id_index" on "issues" ("assigned_agent_id");`)

    this.addSql(
      `alter table "refresh_tokens" add constraint "refresh_tokens_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`,
    )

    this.addSql(
      `alter table "projects" add constraint "projects_owner_id_foreign" foreign key ("owner_id") references "users" ("id");`,
    )

    this.addSql(
      `alter table "events" add constraint "events_project_id_foreign" foreign key ("project_id") references "projects" ("id") on delete cascade;`,
    )

    this.addSql(
      `alter table "agents" add constraint "agents_project_id_foreign" foreign key ("project_id") references "projects" ("id") on delete cascade;`,
    )
    this.addSql(
      `alter table "agents" add constraint "agents_agent_type_id_foreign" foreign key ("agent_type_id") references "agent_types" ("id");`,
    )
    this.addSql(
      `alter table "agents" add constraint "agents_status_check" check ("status" in ('idle', 'working', 'waiting', 'paused', 'terminated'));`,
    )

    this.addSql(
      `alter table "signals" add constraint "signals_agent_id_foreign" foreign key ("agent_id") references "agents" ("id") on delete cascade;`,
    )
    this.addSql(
      `alter table "signals" add constraint "signals_kind_check" check ("kind" in ('pause', 'resume', 'terminate', 'message'));`,
    )
    this.addSql(
      `alter table "signals" add constraint "signals_outcome_check" check ("outcome" in ('done', 'failed', 'superseded'));`,
    )

    this.addSql(
      `alter table "issues" add constraint "issues_project_id_foreign" foreign key ("project_id") references "projects" ("id") on delete cascade;`,
    )
    this.addSql(
      `alter table "issues" add constraint "issues_assigned_agent_id_foreign" foreign key ("assigned_agent_id") references "agents" ("id") on delete set null;`,
    )
    this.addSql(
      `alter table "issues" add constraint "issues_status_check" check ("status" in ('open', 'in_progress', 'closed'));`,
    )
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "agents" drop constraint "agents_agent_type_id_foreign";`)
    this.addSql(`alter table "refresh_tokens" drop constraint "refresh_tokens_user_id_foreign";`)
    this.addSql(`alter table "projects" drop constraint "projects_owner_id_foreign";`)
    this.addSql(`alter table "events" drop constraint "events_project_id_foreign";`)
    this.addSql(`alter table "agents" drop constraint "agents_project_id_foreign";`)
    this.addSql(`alter table "issues" drop constraint "issues_project_id_foreign";`)
    this.addSql(`alter table "signals" drop constraint "signals_agent_id_foreign";`)
    this.addSql(`alter table "issues" drop constraint "issues_assigned_agent_id_foreign";`)

    this.addSql(`drop table if exists "agent_types" cascade;`)
    this.addSql(`drop table if exists "users" cascade;`)
    this.addSql(`drop table if exists "refresh_tokens" cascade;`)
    this.addSql(`drop table if exists "projects" cascade;`)
    this.addSql(`drop table if exists "events" cascade;`)
    this.addSql(`drop table if exists "agents" cascade;`)
    this.addSql(`drop table if exists "signals" cascade;`)
    this.addSql(`drop table if exists "issues" cascade;`)
  }
}

import { Migration } from '@mikro-orm/migrations'

export class Migration20261125034244_access extends Migration {
  override name = 'Migration20261125034244_access'

  override up(): void | Promise<void> {
    this.addSql(
      `create table "audit" ("id" uuid not null, "at" timestamptz(3) not null, "action" varchar(64) not null, "actor_kind" text not null, "actor_id" uuid null, "target_id" uuid null, "project_id" uuid null, "details" jsonb not null, primary key ("id"));`,
    )
    this.addSql(`create index "audit_at_index" on "audit" ("at");`)

    this.addSql(
      `create table "idempotent_answers" ("principal_id" uuid not null, "operation" varchar(64) not null, "key" varchar(255) not null, "fingerprint" varchar(64) not null, "created_at" timestamptz(3) not null, "status" int null, "location" text null, "body" text null, primary key ("principal_id", "operation", "key"));`,
    )
    this.addSql(`create index "idempotent_answers_created_at_index" on "idempotent_answers" ("created_at");`)

    this.addSql(
      `create table "project_members" ("project_id" uuid not null, "user_id" uuid not null, "role" text not null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("project_id", "user_id"));`,
    )
    this.addSql(`create index "project_members_user_id_index" on "project_members" ("user_id");`)

    this.addSql(
      `alter table "audit" add constraint "audit_actor_kind_check" check ("actor_kind" in ('user', 'api_key', 'runtime', 'system'));`,
    )

    this.addSql(
      `alter table "project_members" add constraint "project_members_project_id_foreign" foreign key ("project_id") references "projects" ("id") on update cascade on delete cascade;`,
    )
    this.addSql(
      `alter table "project_members" add constraint "project_members_user_id_foreign" foreign key ("user_id") references "users" ("id") on update cascade on delete cascade;`,
    )
    this.addSql(
      `alter table "project_members" add constraint "project_members_role_check" check ("role" in ('operator', 'viewer'));`,
    )
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "audit" cascade;`)
    this.addSql(`drop table if exists "idempotent_answers" cascade;`)
    this.addSql(`drop table if exists "project_members" cascade;`)
  }
}

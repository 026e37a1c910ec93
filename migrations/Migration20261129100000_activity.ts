import { Migration } from '@mikro-orm/migrations'

/** What happened in each ten seconds, for charts, and the way from an agent to its events. */
export class Migration20261129100000_activity extends Migration {
  override name = 'Migration20261129100000_activity'

  override up(): void | Promise<void> {
    // Each transaction of ten seconds updates the same row: the space that is left lets it stay on its page.
    this.addSql(`create table "activity" (
      "project_id" uuid not null, "at" timestamptz(3) not null, "last_seq" bigint not null,
      "events" bigint not null default '0', "tasks_completed" bigint not null default '0',
      "tokens_used" bigint not null default '0', "cost_incurred" numeric(24,4) not null default 0,
      "idle_change" int not null default 0, "working_change" int not null default 0,
      "waiting_change" int not null default 0, "paused_change" int not null default 0,
      "terminated_change" int not null default 0, primary key ("project_id", "at"))
      with (fillfactor = 50);`)
    this.addSql(`alter table "activity" add constraint "activity_project_id_foreign"
      foreign key ("project_id") references "projects" ("id") on delete cascade;`)
    // By an expression, so that the events of servers of the release before, and those of the past, are in it, too.
    this.addSql(`create index "events_by_agent" on "events"
      ("project_id", ((frame #>> '{agent,id}')::uuid), "seq");`)
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "events_by_agent";`)
    this.addSql(`drop table if exists "activity" cascade;`)
  }
}

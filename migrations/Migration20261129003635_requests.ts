import { Migration } from '@mikro-orm/migrations'

/**
 * Questions of agents to people, and the signals that bring the answers. One `alter table` for both checks on signals, so that
 * the table is read once.
 */
export class Migration20261129003635_requests extends Migration {
  override name = 'Migration20261129003635_requests'

  override up(): void | Promise<void> {
    this.addSql(`create table "requests" (
      "id" uuid not null,
      "project_id" uuid not null,
      "agent_id" uuid not null,
      "agent_name" varchar(255) not null,
      "request_id" varchar(128) not null,
      "reason" varchar(129) not null,
      "message" text not null,
      "tool_call" json null,
      "options" json null,
      "response_schema" json null,
      "metadata" jsonb null,
      "expires_at" timestamptz(3) null,
      "state" text not null,
      "cause" text null,
      "option" varchar(64) null,
      "payload" jsonb null,
      "note" text null,
      "answered_by" jsonb null,
      "created_at" timestamptz(3) not null,
      "ended_at" timestamptz(3) null,
      "ended_seq" bigint null,
      "signal_id" uuid null,
      "bytes" int not null,
      primary key ("id"),
      constraint "requests_by_runtimes_id" unique ("agent_id", "request_id"),
      constraint "requests_state_check" check ("state" in ('open', 'resolved', 'cancelled', 'expired')),
      constraint "requests_cause_check" check ("cause" in ('answered', 'withdrawn', 'terminated', 'expired')),
      constraint "requests_project_id_foreign" foreign key ("project_id") references "projects" ("id") on delete cascade,
      constraint "requests_agent_id_foreign" foreign key ("agent_id") references "agents" ("id") on delete cascade
    );`)
    this.addSql(
      `create index "requests_open" on "requests" ("project_id", "created_at", "id") where ended_at is null;`,
    )
    this.addSql(
      `create index "requests_open_of_agent" on "requests" ("agent_id", "created_at", "id") where ended_at is null;`,
    )
    this.addSql(
      `create index "requests_to_expire" on "requests" ("expires_at") where ended_at is null and expires_at is not null;`,
    )
    this.addSql(
      `create index "requests_ended" on "requests" ("project_id", "ended_at", "id") where ended_at is not null;`,
    )
    this.addSql(`create index "requests_to_forget" on "requests" ("ended_at") where ended_at is not null;`)
    this.addSql(`alter table "agents" add column "pending_answers" int not null default 0;`)
    this.addSql(`alter table "signals"
      drop constraint "signals_kind_check",
      drop constraint "signals_outcome_check",
      add constraint "signals_kind_check" check ("kind" in ('pause', 'resume', 'terminate', 'message', 'answer')),
      add constraint "signals_outcome_check" check ("outcome" in ('done', 'failed', 'superseded', 'open'));`)
    this.addSql(
      `create index "signals_open_answers" on "signals" ("agent_id", "seq") where outcome = 'open';`,
    )
  }

  override down(): void | Promise<void> {
    this.addSql(`delete from "signals" where "kind" = 'answer';`)
    this.addSql(`drop index "signals_open_answers";`)
    this.addSql(`alter table "signals"
      drop constraint "signals_kind_check",
      drop constraint "signals_outcome_check",
      add constraint "signals_kind_check" check ("kind" in ('pause', 'resume', 'terminate', 'message')),
      add constraint "signals_outcome_check" check ("outcome" in ('done', 'failed', 'superseded'));`)
    this.addSql(`alter table "agents" drop column "pending_answers";`)
    this.addSql(`drop table "requests";`)
  }
}

import { Migration } from '@mikro-orm/migrations'

/** Labels, names, trees and modes. Every column has a default, since servers of the release before write on. */
export class Migration20261129003000_fleets extends Migration {
  override name = 'Migration20261129003000_fleets'

  override up(): void | Promise<void> {
    this.addSql(`alter table "agents"
      add column "labels" jsonb not null default '{}',
      add column "external_id" varchar(255) null,
      add column "parent_id" uuid null,
      add column "depth" int not null default 1,
      add column "capabilities" jsonb not null default '[]',
      add column "client" varchar(128) null,
      add column "open_requests" int not null default 0,
      add column "holds" jsonb not null default '[]';`)
    this.addSql(`alter table "signals" add column "mode" varchar(16) null;`)
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "signals" drop column "mode";`)
    this.addSql(`alter table "agents" drop column "labels", drop column "external_id", drop column "parent_id",
      drop column "depth", drop column "capabilities", drop column "client", drop column "open_requests",
      drop column "holds";`)
  }
}

import { Migration } from '@mikro-orm/migrations'

/** Which agents have children, and whose they are. Servers of the release before start none. */
export class Migration20261129004500_trees extends Migration {
  override name = 'Migration20261129004500_trees'

  override up(): void | Promise<void> {
    this.addSql(`alter table "agents" add column "has_children" boolean not null default false;`)
    this.addSql(`create index "agents_by_parent" on "agents" ("parent_id") where parent_id is not null;`)
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "agents_by_parent";`)
    this.addSql(`alter table "agents" drop column "has_children";`)
  }
}

import { Migration } from '@mikro-orm/migrations'

export class Migration20261129043000_delegated_tokens extends Migration {
  override name = 'Migration20261129043000_delegated_tokens'

  override up(): void | Promise<void> {
    this.addSql(`alter table "api_keys" add column "issuer_id" uuid null;`)
    this.addSql(`create index "api_keys_by_issuer" on "api_keys" ("issuer_id") where issuer_id is not null;`)
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "api_keys" drop column "issuer_id";`)
  }
}

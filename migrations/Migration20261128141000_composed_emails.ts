import { Migration } from '@mikro-orm/migrations'

/**
 * E-mails are compared in NFC from now on. Two users whose e-mails differ in nothing else keep them: which one is meant
 * is for a superuser to decide.
 */
export const composeEmails = `update "users" as u set "email" = normalize(u."email")
  where u."email" <> normalize(u."email")
    and not exists (select 1 from "users" o where o."id" <> u."id" and normalize(o."email") = normalize(u."email"));`

export class Migration20261128141000_composed_emails extends Migration {
  override name = 'Migration20261128141000_composed_emails'

  override up(): void | Promise<void> {
    this.addSql(composeEmails)
  }

  override down(): void | Promise<void> {}
}

import { hashPassword } from '#src/auth/passwords.ts'
import { system } from '#src/domain/actor.ts'
import { notFound } from '#src/domain/errors.ts'
import { writeAudit } from '#src/store/audit.ts'
import { revokeSessions } from '#src/store/sessions.ts'
import { lockAccountByEmail, lockOldestSuperuser, updateAccount } from '#src/store/users.ts'
import type { CommandContext } from './context.ts'

/**
 * For an operator with access to the database: gives a user a new password, ends its sessions, and makes it an active
 * superuser. Without an e-mail the user is the oldest superuser. Resolves with the user's e-mail.
 */
export async function resetSuperuser(
  { database, clock }: Pick<CommandContext, 'database' | 'clock'>,
  { email, password }: { email: string | undefined; password: string },
): Promise<string> {
  const password_hash = await hashPassword(password)
  return database.transaction(async (sql) => {
    const user = await (email === undefined ? lockOldestSuperuser(sql) : lockAccountByEmail(sql, email))
    if (!user) {
      if (email !== undefined) throw notFound.user(email)
      throw new Error('There is no superuser yet: start a server once, which makes the first one')
    }
    const granted = { is_active: true, is_superuser: true }
    await updateAccount(sql, { ...user, ...granted, password_hash, updated_at: clock() })
    await revokeSessions(sql, user.id)
    const details = { changed: ['password', 'is_active', 'is_superuser'], ...granted }
    await writeAudit(sql, { action: 'user_updated', actor: system, target_id: user.id, details })
    return user.email
  })
}

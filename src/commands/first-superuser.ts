import { randomBytes } from 'node:crypto'
import { v7 as uuid } from 'uuid'
import { hashPassword } from '#src/auth/passwords.ts'
import { violatedUnique } from '#src/store/failures.ts'
import { hasUsers, insertUser } from '#src/store/users.ts'
import type { CommandContext } from './context.ts'

type Given = { email: string | undefined; password: string | undefined }

export const DEFAULT_EMAIL = 'admin@localhost'

/**
 * Makes the first superuser of a server without users: the one of the environment, or `admin@localhost` with a random
 * password. `onRandomPassword` is called at once, before anything else can fail: that password is kept nowhere else.
 * Resolves with whether the superuser was made.
 */
export async function ensureFirstSuperuser(
  { database, clock }: Pick<CommandContext, 'database' | 'clock'>,
  given: Given,
  onRandomPassword: (superuser: { email: string; password: string }) => void = () => {},
): Promise<boolean> {
  if (await hasUsers(database)) return false
  const email = given.email ?? DEFAULT_EMAIL
  const password = given.password ?? randomBytes(15).toString('base64url')
  const password_hash = await hashPassword(password)
  const rights = { is_active: true, is_superuser: true }
  const created_at = clock()
  try {
    await insertUser(database, { id: uuid(), email, full_name: null, ...rights, password_hash, created_at })
  } catch (error) {
    // Another replica was first.
    if (violatedUnique(error)) return false
    throw error
  }
  if (given.password === undefined) onRandomPassword({ email, password })
  return true
}

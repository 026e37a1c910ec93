import { randomBytes } from 'node:crypto'
import { hashPassword } from '#src/auth/passwords.ts'
import { UserEntity } from '#src/store/entities/index.ts'
import { violatedUnique } from '#src/store/failures.ts'
import type { Orm } from '#src/store/orm.ts'

type Given = { email: string | undefined; password: string | undefined }

/**
 * A server without users gets a first superuser: the one of the environment, or `admin@localhost` with a
 * random password, which is returned, to be shown once. Undefined: nothing to show.
 */
export async function ensureFirstSuperuser(
  orm: Orm,
  given: Given,
): Promise<{ email: string; password: string } | undefined> {
  const em = orm.em.fork()
  if ((await em.count(UserEntity)) > 0) return undefined
  const email = given.email ?? 'admin@localhost'
  const password = given.password ?? randomBytes(15).toString('base64url')
  const password_hash = await hashPassword(password)
  em.persist(em.create(UserEntity, { email, password_hash, is_active: true, is_superuser: true }))
  try {
    await em.flush()
  } catch (error) {
    // Another replica was first.
    if (violatedUnique(error)) return undefined
    throw error
  }
  return given.password === undefined ? { email, password } : undefined
}

import { LockMode } from '@mikro-orm/core'
import type { EntityManager } from '@mikro-orm/postgresql'
import { checkPassword, hashPassword } from '#src/auth/passwords.ts'
import { notFound, refuse } from '#src/domain/errors.ts'
import { UserEntity } from '#src/store/entities/index.ts'
import { orConflict } from './conflicts.ts'
import type { CommandContext } from './context.ts'
import { revokeSessions } from './sessions.ts'
import { toUser, type User } from './user-view.ts'

type UserInput = Pick<User, 'email' | 'full_name' | 'is_active' | 'is_superuser'> & { password: string }
type UserContext = Pick<CommandContext, 'orm'>

const unique = { field: 'email', what: 'A user' }

export async function createUser({ orm }: UserContext, { password, ...input }: UserInput): Promise<User> {
  assertNotEmail(password, input.email)
  const em = orm.em.fork()
  const user = em.create(UserEntity, { ...input, password_hash: await hashPassword(password) })
  await orConflict(em.persist(user).flush(), unique)
  return toUser(user)
}

/** By a superuser. The last active superuser stays one (`conflict`); a new password ends all sessions. */
export async function updateUser(
  { orm }: UserContext,
  id: string,
  { password, ...patch }: Partial<UserInput>,
): Promise<User> {
  const password_hash = password === undefined ? undefined : await hashPassword(password)
  const write = orm.em.fork().transactional(async (em) => {
    // The superusers first: two who demote each other at once wait for each other here.
    const superusers = await lockActiveSuperusers(em)
    const user = await em.findOne(UserEntity, id, { lockMode: LockMode.PESSIMISTIC_WRITE })
    if (!user) throw notFound.user(id)
    if (password !== undefined) assertNotEmail(password, patch.email ?? user.email)
    const isLast = superusers.length === 1 && superusers[0]?.id === id
    if (isLast && (patch.is_active === false || patch.is_superuser === false)) {
      throw refuse('conflict', 'The last active superuser cannot be demoted or deactivated')
    }
    em.assign(user, { ...patch, ...(password_hash && { password_hash }) })
    if (password_hash || patch.is_active === false) await revokeSessions(em, id)
    await em.flush()
    return toUser(user)
  })
  return orConflict(write, unique)
}

type OwnChange = {
  full_name?: string | null | undefined
  current_password?: string | undefined
  password?: string | undefined
}

/** By the user: the name, and with the current password a new one, which ends all sessions. */
export async function updateOwnUser({ orm }: UserContext, id: string, change: OwnChange): Promise<User> {
  return orm.em.fork().transactional(async (em) => {
    const user = await em.findOne(UserEntity, id, { lockMode: LockMode.PESSIMISTIC_WRITE })
    if (!user) throw notFound.user(id)
    await applyOwnChange(em, user, change)
    await em.flush()
    return toUser(user)
  })
}

async function applyOwnChange(em: EntityManager, user: UserEntity, change: OwnChange): Promise<void> {
  if (change.full_name !== undefined) user.full_name = change.full_name
  if (change.password !== undefined) {
    if (change.current_password === undefined) {
      throw refuse('invalid', 'Field required', 'current_password')
    }
    if (!(await checkPassword(change.current_password, user.password_hash))) {
      throw refuse('invalid', 'Is not the current password', 'current_password')
    }
    assertNotEmail(change.password, user.email)
    user.password_hash = await hashPassword(change.password)
    await revokeSessions(em, user.id)
  }
}

function lockActiveSuperusers(em: EntityManager): Promise<UserEntity[]> {
  const condition = { is_superuser: true, is_active: true }
  return em.find(UserEntity, condition, { lockMode: LockMode.PESSIMISTIC_WRITE, orderBy: { id: 'asc' } })
}

function assertNotEmail(password: string, email: string): void {
  if (password.toLowerCase() === email) throw refuse('invalid', 'Must not be the e-mail', 'password')
}

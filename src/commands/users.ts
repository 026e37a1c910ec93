import { LockMode } from '@mikro-orm/core'
import type { EntityManager } from '@mikro-orm/postgresql'
import { v7 as uuid } from 'uuid'
import { checkPassword, hashPassword } from '#src/auth/passwords.ts'
import { type Principal, toActor } from '#src/domain/access.ts'
import { notFound, refuse } from '#src/domain/errors.ts'
import { writeAudit } from '#src/store/audit.ts'
import { UserEntity } from '#src/store/entities/index.ts'
import { insertUser, type UserRow } from '#src/store/users.ts'
import { noteAudit } from './audit.ts'
import { orConflict } from './conflicts.ts'
import type { CommandContext } from './context.ts'
import { revokeSessions } from './sessions.ts'
import { toUser, type User } from './user-view.ts'

type UserInput = Pick<User, 'email' | 'full_name' | 'is_active' | 'is_superuser'> & { password: string }
type UserContext = Pick<CommandContext, 'orm'>

const unique = { field: 'email', what: 'A user' }

export async function createUser(
  { database, clock }: Pick<CommandContext, 'database' | 'clock'>,
  principal: Principal,
  { password, ...input }: UserInput,
): Promise<UserRow> {
  assertNotEmail(password, input.email)
  const user = { ...input, id: uuid(), password_hash: await hashPassword(password), created_at: clock() }
  const written = database.transaction(async (sql) => {
    const row = await insertUser(sql, user)
    const { is_active, is_superuser } = row
    await writeAudit(sql, {
      action: 'user_created',
      actor: toActor(principal),
      target_id: row.id,
      details: { is_active, is_superuser },
    })
    return row
  })
  return orConflict(written, unique)
}

/** By a superuser. The last active superuser stays one (`conflict`); a new password ends all sessions. */
export async function updateUser(
  { orm }: UserContext,
  { id, principal }: { id: string; principal: Principal },
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
    const { is_active, is_superuser } = user
    const details = {
      changed: Object.keys({ ...patch, ...(password_hash && { password }) }),
      is_active,
      is_superuser,
    }
    noteAudit(em, { action: 'user_updated', actor: toActor(principal), target_id: id, details })
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
  const actor = { kind: 'user' as const, id: user.id }
  if (change.full_name !== undefined) {
    user.full_name = change.full_name
    const { is_active, is_superuser } = user
    const details = { changed: ['full_name'], is_active, is_superuser }
    noteAudit(em, { action: 'user_updated', actor, target_id: user.id, details })
  }
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
    noteAudit(em, { action: 'password_changed', actor, target_id: user.id })
  }
}

function lockActiveSuperusers(em: EntityManager): Promise<UserEntity[]> {
  const condition = { is_superuser: true, is_active: true }
  return em.find(UserEntity, condition, { lockMode: LockMode.PESSIMISTIC_WRITE, orderBy: { id: 'asc' } })
}

function assertNotEmail(password: string, email: string): void {
  if (password.toLowerCase() === email) throw refuse('invalid', 'Must not be the e-mail', 'password')
}

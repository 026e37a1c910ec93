import { v7 as uuid } from 'uuid'
import { checkPassword, hashPassword } from '#src/auth/passwords.ts'
import { type Principal, toActor } from '#src/domain/access.ts'
import type { Actor } from '#src/domain/actor.ts'
import { notFound, refuse, WrongPassword } from '#src/domain/errors.ts'
import { fold } from '#src/domain/text.ts'
import { writeAudit } from '#src/store/audit.ts'
import type { Sql } from '#src/store/database.ts'
import { revokeSessions } from '#src/store/sessions.ts'
import {
  type Account,
  findAccount,
  insertUser,
  lockAccount,
  lockActiveSuperusers,
  toUser,
  type User,
  updateAccount,
} from '#src/store/users.ts'
import { orConflict } from './conflicts.ts'
import type { CommandContext } from './context.ts'

type UserInput = Pick<User, 'email' | 'full_name' | 'is_active' | 'is_superuser'> & { password: string }
type UserContext = Pick<CommandContext, 'database' | 'clock'>

const unique = { field: 'email', what: 'A user' }

export async function createUser(
  { database, clock }: UserContext,
  principal: Principal,
  { password, ...input }: UserInput,
): Promise<User> {
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

/** For superusers. Refuses with `conflict` to demote the last active superuser. A new password ends all sessions. */
export async function updateUser(
  { database, clock }: UserContext,
  { id, principal }: { id: string; principal: Principal },
  { password, ...patch }: Partial<UserInput>,
): Promise<User> {
  const password_hash = password === undefined ? undefined : await hashPassword(password)
  const write = database.transaction(async (sql) => {
    // Superusers are locked first, so that two who demote each other take turns.
    const superusers = await lockActiveSuperusers(sql)
    const user = await lockAccount(sql, id)
    if (!user) throw notFound.user(id)
    if (password !== undefined) assertNotEmail(password, patch.email ?? user.email)
    const isLast = superusers.length === 1 && superusers[0] === id
    if (isLast && (patch.is_active === false || patch.is_superuser === false)) {
      throw refuse('conflict', 'The last active superuser cannot be demoted or deactivated')
    }
    const change = { ...patch, ...(password_hash !== undefined && { password_hash }) }
    if (password_hash !== undefined || patch.is_active === false) await revokeSessions(sql, id)
    const changed = changedFields(user, patch)
    if (password !== undefined) changed.push('password')
    return applyChange(sql, user, { change, changed, actor: toActor(principal), now: clock() })
  })
  return orConflict(write, unique)
}

type OwnChange = {
  full_name?: string | null | undefined
  current_password?: string | undefined
  password?: string | undefined
}

/**
 * For the user itself: changes the name, and, with the current password, the password, which ends the other sessions (all of
 * them, if the token does not say which sign-in it is from). A wrong current password is audited, and counts as a failed sign-in
 * (`WrongPassword`).
 */
export async function updateOwnUser(
  { database, clock }: UserContext,
  { id, address, session_id }: { id: string; address: string; session_id: string | undefined },
  { full_name, ...passwords }: OwnChange,
): Promise<User> {
  const actor = { kind: 'user' as const, id }
  // Checking and hashing are slow, so they come before the lock.
  const replaced = await replacePassword(database, { id, address }, passwords)
  return database.transaction(async (sql) => {
    const user = await lockAccount(sql, id)
    if (!user) throw notFound.user(id)
    if (replaced) {
      if (user.password_hash !== replaced.before) throw wrongCurrent()
      await revokeSessions(sql, id, session_id)
      await writeAudit(sql, { action: 'password_changed', actor, target_id: id })
    }
    const change = {
      ...(full_name !== undefined && { full_name }),
      ...(replaced && { password_hash: replaced.after }),
    }
    const changed = full_name === undefined ? [] : ['full_name']
    return applyChange(sql, user, { change, changed, actor, now: clock() })
  })
}

async function replacePassword(
  database: UserContext['database'],
  { id, address }: { id: string; address: string },
  { password, current_password }: Pick<OwnChange, 'password' | 'current_password'>,
): Promise<{ before: string; after: string } | undefined> {
  if (password === undefined) return undefined
  if (current_password === undefined) throw refuse('invalid', 'Field required', 'current_password')
  const user = await findAccount(database, { id })
  if (!user) throw notFound.user(id)
  if (!(await checkPassword(current_password, user.password_hash))) {
    const actor = { kind: 'user' as const, id }
    await writeAudit(database, {
      action: 'password_change_failed',
      actor,
      target_id: id,
      details: { address },
    })
    throw wrongCurrent()
  }
  assertNotEmail(password, user.email)
  return { before: user.password_hash, after: await hashPassword(password) }
}

const wrongCurrent = () =>
  new WrongPassword('invalid', [{ message: 'Must be the current password', field: 'current_password' }])

type Change = {
  change: Partial<Account>
  /** The fields that the audit entry names. A user's own new password has a separate entry. */
  changed: string[]
  actor: Actor
  now: string
}

async function applyChange(sql: Sql, user: Account, { change, changed, actor, now }: Change): Promise<User> {
  const next = { ...user, ...change }
  if (changed.length > 0) {
    const { is_active, is_superuser } = next
    const details = { changed, is_active, is_superuser }
    await writeAudit(sql, { action: 'user_updated', actor, target_id: user.id, details })
  }
  return Object.keys(change).length > 0 ? updateAccount(sql, { ...next, updated_at: now }) : toUser(user)
}

/** A form sends all its fields. */
function changedFields(user: Account, patch: Partial<Account>): string[] {
  const fields = ['email', 'full_name', 'is_active', 'is_superuser'] as const
  return fields.filter((field) => patch[field] !== undefined && patch[field] !== user[field])
}

function assertNotEmail(password: string, email: string): void {
  if (fold(password) === email) throw refuse('invalid', 'Must differ from the e-mail', 'password')
}

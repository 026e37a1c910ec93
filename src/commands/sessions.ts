import { LockMode } from '@mikro-orm/core'
import type { EntityManager } from '@mikro-orm/postgresql'
import { v7 as uuid } from 'uuid'
import { checkPassword } from '#src/auth/passwords.ts'
import {
  ACCESS_TOKEN_SECONDS,
  createSecret,
  hashSecret,
  REFRESH_TOKEN_SECONDS,
  signAccessToken,
  type TokenKeys,
} from '#src/auth/tokens.ts'
import { refuse } from '#src/domain/errors.ts'
import type { Actor } from '#src/domain/events.ts'
import { RefreshTokenEntity, UserEntity } from '#src/store/entities/index.ts'
import { noteAudit } from './audit.ts'
import type { CommandContext } from './context.ts'
import { toUser, type User } from './user-view.ts'

export type TokenPair = {
  access_token: string
  refresh_token: string
  token_type: 'bearer'
  expires_in: number
  user: User
}

type SessionContext = Pick<CommandContext, 'orm'> & { keys: TokenKeys }

/** An unknown e-mail costs the same work and gets the same answer as a wrong password. */
export async function signIn(
  { orm, keys }: SessionContext,
  { email, password, address }: { email: string; password: string; address: string },
): Promise<TokenPair> {
  const em = orm.em.fork()
  const user = await em.findOne(UserEntity, { email })
  const isRight = await checkPassword(password, user?.password_hash)
  const actor: Actor = { kind: 'user', id: user?.id ?? null }
  if (!isRight || !user?.is_active) {
    // What was typed as an e-mail is not kept where there is no such user: it may be a password.
    noteAudit(em, { action: 'sign_in_failed', actor, details: { address, is_known: user !== null } })
    await em.flush()
    if (!isRight || !user) throw refuse('wrong_login', 'Wrong e-mail or password')
    throw refuse('user_inactive', 'The user is inactive')
  }
  return em.transactional(async (em) => {
    // Checking takes its time: a change that has ended all sessions meanwhile ends this one, too.
    const { id, password_hash } = user
    const asChecked = { id, password_hash, is_active: true }
    if (!(await em.findOne(UserEntity, asChecked, { lockMode: LockMode.PESSIMISTIC_READ }))) {
      throw refuse('wrong_login', 'Wrong e-mail or password')
    }
    noteAudit(em, { action: 'signed_in', actor, details: { address } })
    await em.nativeDelete(RefreshTokenEntity, { user, expires_at: { $lt: new Date() } })
    return issuePair(em, { user, family_id: uuid() }, keys)
  })
}

/** Spends a refresh token for a new pair. A spent one used again revokes all that came of its sign-in. */
export async function refreshSession(
  { orm, keys }: SessionContext,
  refresh_token: string,
): Promise<TokenPair> {
  const outcome = await orm.em.fork().transactional(async (em) => {
    const token = await findToken(em, refresh_token)
    if (!token || token.revoked_at) return refuse('bad_token', 'The refresh token is not valid')
    if (token.spent_at) {
      await revokeFamily(em, token.family_id)
      noteAudit(em, { action: 'session_reused', actor: { kind: 'user', id: token.user.id } })
      return refuse('bad_token', 'The refresh token was used before; its session is revoked')
    }
    if (token.expires_at <= new Date()) return refuse('expired_token', 'The refresh token has expired')
    const user = await em.findOneOrFail(UserEntity, token.user.id)
    if (!user.is_active) return refuse('user_inactive', 'The user is inactive')
    token.spent_at = new Date()
    return issuePair(em, { user, family_id: token.family_id }, keys)
  })
  // A refusal is returned, not thrown, so that a revocation is committed.
  if (outcome instanceof Error) throw outcome
  return outcome
}

/** Revokes the family of a refresh token; an unknown one is no error. */
export async function signOut({ orm }: SessionContext, refresh_token: string): Promise<void> {
  await orm.em.fork().transactional(async (em) => {
    const token = await findToken(em, refresh_token)
    if (!token) return
    await revokeFamily(em, token.family_id)
    noteAudit(em, { action: 'signed_out', actor: { kind: 'user', id: token.user.id } })
  })
}

/** Ends all sessions of a user: no refresh token of before is good any more. */
export async function revokeSessions(em: EntityManager, user_id: string): Promise<void> {
  await em.nativeUpdate(RefreshTokenEntity, { user: user_id, revoked_at: null }, { revoked_at: new Date() })
}

function findToken(em: EntityManager, refresh_token: string): Promise<RefreshTokenEntity | null> {
  const token_hash = hashSecret(refresh_token)
  return em.findOne(RefreshTokenEntity, { token_hash }, { lockMode: LockMode.PESSIMISTIC_WRITE })
}

async function revokeFamily(em: EntityManager, family_id: string): Promise<void> {
  await em.nativeUpdate(RefreshTokenEntity, { family_id, revoked_at: null }, { revoked_at: new Date() })
}

async function issuePair(
  em: EntityManager,
  { user, family_id }: { user: UserEntity; family_id: string },
  keys: TokenKeys,
): Promise<TokenPair> {
  const refresh = createSecret('sbr')
  const expires_at = new Date(Date.now() + REFRESH_TOKEN_SECONDS * 1000)
  em.persist(em.create(RefreshTokenEntity, { family_id, user, token_hash: refresh.hash, expires_at }))
  return {
    access_token: await signAccessToken(user.id, keys),
    refresh_token: refresh.secret,
    token_type: 'bearer',
    expires_in: ACCESS_TOKEN_SECONDS,
    user: toUser(user),
  }
}

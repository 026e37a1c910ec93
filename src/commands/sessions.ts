import { v7 as uuid } from 'uuid'
import { checkPassword } from '#src/auth/passwords.ts'
import {
  ACCESS_TOKEN_SECONDS,
  createRefreshToken,
  hashSecret,
  REFRESH_TOKEN_SECONDS,
  signAccessToken,
  successorsOf,
  type TokenKeys,
} from '#src/auth/tokens.ts'
import type { Actor } from '#src/domain/actor.ts'
import { refuse, WrongPassword } from '#src/domain/errors.ts'
import { writeAudit } from '#src/store/audit.ts'
import type { Sql } from '#src/store/database.ts'
import {
  findUnused,
  forgetExpired,
  insertSession,
  lockSession,
  revokeFamily,
  spendSession,
} from '#src/store/sessions.ts'
import { type Account, findAccount, lockAccount, toUser, type User } from '#src/store/users.ts'
import { REPEAT_SECONDS } from './bounds.ts'
import type { CommandContext } from './context.ts'

export type TokenPair = {
  access_token: string
  refresh_token: string
  token_type: 'bearer'
  expires_in: number
  user: User
}

type SessionContext = Pick<CommandContext, 'database' | 'clock'> & { keys: TokenKeys }

/** An unknown e-mail takes the same work and gets the same answer as a wrong password. */
export async function signIn(
  context: SessionContext,
  { email, password, address }: { email: string; password: string; address: string },
): Promise<TokenPair> {
  const { database } = context
  const user = await findAccount(database, { email })
  const isRight = await checkPassword(password, user?.password_hash)
  const actor: Actor = { kind: 'user', id: user?.id ?? null }
  if (!isRight || !user?.is_active) {
    // The e-mail of an unknown user is not kept: people type passwords into that field.
    const details = { address, is_known: user !== undefined }
    await writeAudit(database, { action: 'sign_in_failed', actor, details })
    if (!isRight || !user) throw wrongLogin()
    throw refuse('user_inactive', 'The user is inactive')
  }
  return database.transaction(async (sql) => {
    // A change that ended all sessions while the password was checked ends this one, too.
    const now = await lockAccount(sql, user.id)
    if (now?.password_hash !== user.password_hash || !now.is_active) {
      throw wrongLogin()
    }
    await writeAudit(sql, { action: 'signed_in', actor, details: { address } })
    await forgetExpired(sql, user.id)
    const [refresh_token, family_id] = [createRefreshToken(), uuid()]
    await keep(sql, { user, family_id }, refresh_token)
    return toPair(context, now, { refresh_token, family_id })
  })
}

const wrongLogin = () =>
  new WrongPassword('wrong_login', [{ message: 'Wrong e-mail or password', field: null }])

/**
 * Spends a refresh token for a new pair. A token that comes again within 10 s, before its successor was used, gets the same
 * successor, since the answer may have been lost. Any other second use revokes all tokens of the sign-in.
 */
export async function refreshSession(context: SessionContext, refresh_token: string): Promise<TokenPair> {
  const { database, keys } = context
  const outcome = await database.transaction(async (sql) => {
    const session = await lockSession(sql, hashSecret(refresh_token), REPEAT_SECONDS)
    if (!session || session.token.is_revoked) return refuse('bad_token', 'The refresh token is not valid')
    const { token, user } = session
    const { family_id } = token
    const successors = successorsOf(refresh_token, keys)
    if (token.is_spent) {
      const again = token.is_repeatable ? await findSuccessor(sql, family_id, successors) : undefined
      if (again !== undefined && user.is_active)
        return toPair(context, user, { refresh_token: again, family_id })
      await revokeFamily(sql, family_id)
      await writeAudit(sql, { action: 'session_reused', actor: { kind: 'user', id: user.id } })
      return refuse('bad_token', 'The refresh token was used before; its session is revoked')
    }
    if (token.is_expired) return refuse('expired_token', 'The refresh token has expired')
    if (!user.is_active) return refuse('user_inactive', 'The user is inactive')
    await spendSession(sql, token.id)
    await keep(sql, { user, family_id }, successors[0])
    return toPair(context, user, { refresh_token: successors[0], family_id })
  })
  // The transaction returns a refusal instead of throwing it, so that a revocation is committed.
  if (outcome instanceof Error) throw outcome
  return outcome
}

/** Revokes all tokens of a sign-in. An unknown token is not an error. */
export async function signOut({ database }: SessionContext, refresh_token: string): Promise<void> {
  await database.transaction(async (sql) => {
    const session = await lockSession(sql, hashSecret(refresh_token), REPEAT_SECONDS)
    if (!session) return
    await revokeFamily(sql, session.token.family_id)
    await writeAudit(sql, { action: 'signed_out', actor: { kind: 'user', id: session.user.id } })
  })
}

/** The unused successor that was given before. Replicas may have different keys while an operator changes them. */
async function findSuccessor(
  sql: Sql,
  family_id: string,
  successors: readonly string[],
): Promise<string | undefined> {
  const hash = await findUnused(sql, family_id, successors.map(hashSecret))
  return successors.find((token) => hashSecret(token) === hash)
}

function keep(
  sql: Sql,
  { user, family_id }: { user: Pick<Account, 'id'>; family_id: string },
  refresh_token: string,
): Promise<void> {
  const token_hash = hashSecret(refresh_token)
  return insertSession(sql, { family_id, user_id: user.id, token_hash, seconds: REFRESH_TOKEN_SECONDS })
}

async function toPair(
  { keys, clock }: SessionContext,
  user: Account,
  { refresh_token, family_id }: { refresh_token: string; family_id: string },
): Promise<TokenPair> {
  const owner = { user_id: user.id, session_id: family_id }
  return {
    access_token: await signAccessToken(owner, keys, Date.parse(clock())),
    refresh_token,
    token_type: 'bearer',
    expires_in: ACCESS_TOKEN_SECONDS,
    user: toUser(user),
  }
}

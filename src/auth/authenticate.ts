import type { Principal, Standing } from '#src/domain/access.ts'
import { refuse } from '#src/domain/errors.ts'
import { findKey, findUser, noteKeyUse } from '#src/store/access.ts'
import type { Database } from '#src/store/database.ts'
import { createTokenVerifier, hashSecret, isKey, type TokenKeys } from './tokens.ts'

/** Who a credential belongs to, and until when (milliseconds since 1970) it is good. */
export type Authentication = {
  principal: Principal
  expires_at: number | null
  /** What is looked at again while it is in use: the user's id, or the key's. */
  credential_id: string
}

/** With a project, also where its user stands in it; undefined where there is no such project. */
export type Authenticate = (
  token: string,
  project_id?: string,
) => Promise<Authentication & { standing: Standing | undefined }>

/** How exactly it is known when a key was last used: so that a busy one is not written with every request. */
const USE_NOTED_MS = 60_000

/** Refuses with `bad_token`, `expired_token` or `user_inactive`. Asks the database each time, once. */
export function createAuthenticate(database: Database, keys: TokenKeys): Authenticate {
  const verify = createTokenVerifier(keys)
  return async (token, project_id) => {
    if (isKey(token)) return authenticateKey(database, token, project_id)
    const { user_id, expires } = await verify(token)
    const user = await findUser(database, user_id, project_id)
    if (!user) throw refuse('bad_token', 'The access token is not valid')
    if (!user.is_active) throw refuse('user_inactive', 'The user is inactive')
    const { principal, standing } = user
    return { principal, standing, expires_at: expires * 1000, credential_id: user_id }
  }
}

/** An API key, or the token of an agent's runtime. */
async function authenticateKey(
  database: Database,
  token: string,
  project_id: string | undefined,
): ReturnType<Authenticate> {
  const found = await findKey(database, hashSecret(token), project_id)
  if (!found) throw refuse('bad_token', 'The key is not valid')
  const { principal, standing, key_id, last_used_at } = found
  const expires_at = found.expires_at === null ? null : Date.parse(found.expires_at)
  const now = Date.now()
  if (expires_at !== null && expires_at <= now) throw refuse('expired_token', 'The key has expired')
  if (last_used_at === null || Date.parse(last_used_at) < now - USE_NOTED_MS) {
    await noteKeyUse(database, key_id, new Date(now).toISOString())
  }
  return { principal, standing, expires_at, credential_id: key_id }
}

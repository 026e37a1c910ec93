import type { Principal, Standing } from '#src/domain/access.ts'
import { refuse } from '#src/domain/errors.ts'
import {
  type AskedAgent,
  type FoundKey,
  findKeyPrincipal,
  findKeyWithAgent,
  findUserPrincipal,
  noteKeyUse,
} from '#src/store/access.ts'
import type { Database, Sql } from '#src/store/database.ts'
import { createTokenVerifier, hashSecret, isKey, type TokenKeys } from './tokens.ts'

/** The principal of a credential, and when it expires (milliseconds since 1970). */
export type Authentication = {
  principal: Principal
  expires_at: number | null
  /** The id of the user or key, for re-checks while the credential is in use. */
  credential_id: string
}

type Identified = Authentication & { standing: Standing | undefined }

/** With a project, also the user's standing in it; undefined for an unknown project. */
export type Authenticate = (token: string, project_id?: string) => Promise<Identified>

/** The precision of a key's `last_used_at`, so that a busy key is not written with every request. */
const USE_NOTED_MS = 60_000

/** Whether a use of a key now has to be noted. */
export function isUseUnnoted(last_used_at: string | null, now: number): boolean {
  return last_used_at === null || Date.parse(last_used_at) < now - USE_NOTED_MS
}

/** Refuses with `bad_token`, `expired_token` or `user_inactive`. Each call asks the database once. */
export function createAuthenticate(database: Database, keys: TokenKeys, now: () => number): Authenticate {
  const verify = createTokenVerifier(keys, now)
  return async (token, project_id) => {
    if (isKey(token)) {
      return acceptKey(database, await findKeyPrincipal(database, hashSecret(token), project_id), now())
    }
    const { user_id, session_id, expires } = await verify(token)
    const user = await findUserPrincipal(database, user_id, project_id)
    if (!user) throw refuse('bad_token', 'The access token is not valid')
    if (!user.is_active) throw refuse('user_inactive', 'The user is inactive')
    const { standing } = user
    const principal = { ...user.principal, session_id }
    return { principal, standing, expires_at: expires * 1000, credential_id: user_id }
  }
}

type Asking = { database: Sql; authenticate: Authenticate; now: () => number }

/**
 * The principal of a credential, with the agent that it asks about: the one of a token, or, for a key, the one named, if it
 * is of the key's project. Asks the database once.
 */
export async function authenticateForAgent(
  { database, authenticate, now }: Asking,
  token: string,
  agent_id: string | undefined,
): Promise<Identified & { agent: AskedAgent | undefined }> {
  if (!isKey(token)) return { ...(await authenticate(token)), agent: undefined }
  const found = await findKeyWithAgent(database, hashSecret(token), agent_id)
  return { ...(await acceptKey(database, found, now())), agent: found?.agent }
}

/** An API key, or the token of an agent's runtime. */
async function acceptKey(database: Sql, found: FoundKey | undefined, now: number): Promise<Identified> {
  if (!found) throw refuse('bad_token', 'The key is not valid')
  const { principal, standing, key_id, last_used_at } = found
  const expires_at = found.expires_at === null ? null : Date.parse(found.expires_at)
  if (expires_at !== null && expires_at <= now) throw refuse('expired_token', 'The key has expired')
  if (isUseUnnoted(last_used_at, now)) await noteKeyUse(database, [key_id], new Date(now).toISOString())
  return { principal, standing, expires_at, credential_id: key_id }
}

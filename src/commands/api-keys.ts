import { v7 as uuid } from 'uuid'
import { AGENT_TOKEN_PREFIX, API_KEY_PREFIX, createSecret } from '#src/auth/tokens.ts'
import { assertAllowed, type KeyRole, type Principal, toActor } from '#src/domain/access.ts'
import { notFound, refuse } from '#src/domain/errors.ts'
import { findProjectRole } from '#src/store/access.ts'
import { findAgent } from '#src/store/agents.ts'
import { type ApiKey, forgetExpiredTokens, insertKey, revokeKey } from '#src/store/api-keys.ts'
import { writeAudit } from '#src/store/audit.ts'
import type { CommandContext } from './context.ts'

type KeyContext = Pick<CommandContext, 'database' | 'clock'>
type KeyInput = Pick<ApiKey, 'name' | 'project_id' | 'role' | 'expires_at'>

/**
 * REST `create_api_key`: a key of a project, for its owner, or, without one, of the caller, to reach what the
 * caller may. It is shown this once, and kept hashed.
 */
export async function createApiKey(
  { database, clock }: KeyContext,
  principal: Principal,
  input: KeyInput,
): Promise<KeyInput & { id: string; created_at: string; key: string }> {
  const now = clock()
  if (input.expires_at !== null && input.expires_at <= now)
    throw refuse('invalid', 'Must be in the future', 'expires_at')
  if (input.role === 'runtime' && input.project_id === null) {
    throw refuse('invalid', 'A key for runtimes is of one project', 'project_id')
  }
  const { secret, hash } = createSecret(API_KEY_PREFIX)
  const key = { ...input, id: uuid(), created_at: now }
  await database.transaction(async (sql) => {
    if (input.project_id !== null) {
      const found = await findProjectRole(sql, principal, input.project_id)
      if (!found) throw notFound.project(input.project_id)
      assertAllowed(found.role, 'manage_keys')
    }
    await insertKey(sql, { ...key, key_hash: hash, agent_id: null, maker_id: principal.id })
    const { name, role, project_id } = input
    const target = { actor: toActor(principal), target_id: key.id, project_id }
    await writeAudit(sql, { action: 'key_created', ...target, details: { name, role } })
  })
  return { ...key, key: secret }
}

/** REST `revoke_api_key`. Takes effect on open connections within 5 s. Refuses with `not_found`. */
export async function revokeApiKey(
  { database, clock }: KeyContext,
  principal: Principal,
  id: string,
): Promise<string> {
  return database.transaction(async (sql) => {
    const viewer = { user_id: principal.id, is_superuser: principal.role === 'superuser' }
    const key = await revokeKey(sql, viewer, { id, now: clock() })
    if (!key) throw notFound.api_key(id)
    const { name, project_id } = key
    const target = { actor: toActor(principal), target_id: id, project_id }
    await writeAudit(sql, { action: 'key_revoked', ...target, details: { name } })
    return name
  })
}

type AgentTarget = { project_id: string; agent_id: string; principal: Principal }

/** REST `issue_agent_token`: a credential for the runtime of one agent, shown this once and kept hashed. */
export async function issueAgentToken(
  { database, clock }: KeyContext,
  { project_id, agent_id, principal }: AgentTarget,
  { expires_in }: { expires_in: number },
): Promise<{ token: string; expires_at: string }> {
  const { secret, hash } = createSecret(AGENT_TOKEN_PREFIX)
  const now = clock()
  const expires_at = new Date(Date.parse(now) + expires_in * 1000).toISOString()
  await database.transaction(async (sql) => {
    const agent = await findAgent(sql, project_id, agent_id)
    if (!agent) throw notFound.agent(agent_id, project_id)
    await forgetExpiredTokens(sql, agent_id, now)
    const key = { id: uuid(), name: agent.name, role: 'runtime' as KeyRole, project_id, agent_id }
    await insertKey(sql, { ...key, key_hash: hash, maker_id: principal.id, created_at: now, expires_at })
    const target = { actor: toActor(principal), target_id: agent_id, project_id }
    await writeAudit(sql, { action: 'agent_token_issued', ...target, details: { expires_at } })
  })
  return { token: secret, expires_at }
}

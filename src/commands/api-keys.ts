import { v7 as uuid } from 'uuid'
import type { Authentication } from '#src/auth/authenticate.ts'
import { AGENT_TOKEN_PREFIX, API_KEY_PREFIX, createSecret } from '#src/auth/tokens.ts'
import { assertAllowed, type KeyRole, type Principal, toActor, userBehind } from '#src/domain/access.ts'
import { notFound, refuse } from '#src/domain/errors.ts'
import { addSeconds } from '#src/domain/time.ts'
import { findProjectRole } from '#src/store/access.ts'
import { findAgent } from '#src/store/agents.ts'
import {
  type ApiKey,
  dropDelegated,
  forgetExpiredTokens,
  insertKey,
  lockUsableKey,
  revokeKey,
  revokeTokens,
} from '#src/store/api-keys.ts'
import { writeAudit } from '#src/store/audit.ts'
import type { Sql } from '#src/store/database.ts'
import type { CommandContext } from './context.ts'

type KeyContext = Pick<CommandContext, 'database' | 'clock'>
type KeyInput = Pick<ApiKey, 'name' | 'project_id' | 'role' | 'expires_at'>

/**
 * REST `create_api_key`: a key for a project, made by its owner, or, without a project, for whatever the caller may reach.
 * The answer is the only time that the key is shown; the database has its hash.
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
    throw refuse('invalid', 'A key with the role runtime needs a project', 'project_id')
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

/** REST `issue_agent_token`: a credential for the runtime of one agent, shown only once and stored as a hash. */
export function issueAgentToken(
  { database, clock }: KeyContext,
  target: AgentTarget,
  { expires_in }: { expires_in: number },
): Promise<IssuedToken> {
  const now = clock()
  const grant = { now, expires_at: addSeconds(now, expires_in) }
  return database.transaction((sql) => insertToken(sql, target, grant))
}

/** Who delegates, and the id of the key or user whose credential that is. */
export type Issuer = Pick<Authentication, 'principal' | 'credential_id'>

/** As long as a token may last. */
const DELEGATED_SECONDS = 30 * 24 * 60 * 60

/**
 * Protocol `delegate`: a token of the agent that a runtime runs. An agent has one such token, since it has one runtime. It
 * ends with the key that the runtime has. Refuses with `bad_token` where that key is revoked.
 */
export function delegateAgent(
  { database, clock }: KeyContext,
  { issuer, ...agent }: { project_id: string; agent_id: string; issuer: Issuer },
  expires_in = DELEGATED_SECONDS,
): Promise<IssuedToken> {
  const { principal, credential_id: issuer_id } = issuer
  const now = clock()
  const wanted = addSeconds(now, expires_in)
  return database.transaction(async (sql) => {
    const key = principal.kind === 'user' ? { expires_at: null } : await lockUsableKey(sql, issuer_id)
    if (!key) throw refuse('bad_token', 'The key is not valid')
    await dropDelegated(sql, agent.agent_id, now)
    const expires_at = key.expires_at !== null && key.expires_at < wanted ? key.expires_at : wanted
    return insertToken(sql, { ...agent, principal }, { now, expires_at, issuer_id })
  })
}

type IssuedToken = { token: string; expires_at: string }
type Grant = { now: string; expires_at: string; issuer_id?: string }

async function insertToken(
  sql: Sql,
  { project_id, agent_id, principal }: AgentTarget,
  { now, expires_at, issuer_id }: Grant,
): Promise<IssuedToken> {
  const agent = await findAgent(sql, project_id, agent_id)
  if (!agent) throw notFound.agent(agent_id, project_id)
  await forgetExpiredTokens(sql, agent_id, now)
  const { secret, hash } = createSecret(AGENT_TOKEN_PREFIX)
  const role: KeyRole = 'runtime'
  const owner = { project_id, agent_id, maker_id: userBehind(principal), ...(issuer_id && { issuer_id }) }
  const key = { id: uuid(), name: agent.name, role, key_hash: hash, created_at: now, expires_at, ...owner }
  await insertKey(sql, key)
  const target = { actor: toActor(principal), target_id: agent_id, project_id }
  await writeAudit(sql, {
    action: 'agent_token_issued',
    ...target,
    details: { agent: agent.name, expires_at },
  })
  return { token: secret, expires_at }
}

/** REST `revoke_agent_tokens`. Takes effect on open connections within 5 s. Refuses with `not_found`. */
export function revokeAgentTokens(
  { database, clock }: KeyContext,
  { project_id, agent_id, principal }: AgentTarget,
): Promise<{ name: string; affected_count: number }> {
  return database.transaction(async (sql) => {
    const agent = await findAgent(sql, project_id, agent_id)
    if (!agent) throw notFound.agent(agent_id, project_id)
    const affected_count = await revokeTokens(sql, agent_id, clock())
    const target = { actor: toActor(principal), target_id: agent_id, project_id }
    const { name } = agent
    const details = { agent: name, affected_count }
    await writeAudit(sql, { action: 'agent_tokens_revoked', ...target, details })
    return { name, affected_count }
  })
}

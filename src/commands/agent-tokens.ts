import { AGENT_TOKEN_PREFIX, createSecret } from '#src/auth/tokens.ts'
import type { Principal } from '#src/domain/access.ts'
import { notFound } from '#src/domain/errors.ts'
import { findAgent } from '#src/store/agents.ts'
import { ApiKeyEntity } from '#src/store/entities/index.ts'
import type { CommandContext } from './context.ts'

type Target = { project_id: string; agent_id: string; maker: Principal }

/** REST `issue_agent_token`: a credential for the runtime of one agent, shown this once and kept hashed. */
export async function issueAgentToken(
  { orm, database }: Pick<CommandContext, 'orm' | 'database'>,
  { project_id, agent_id, maker }: Target,
  { expires_in }: { expires_in: number },
): Promise<{ token: string; expires_at: string }> {
  const agent = await findAgent(database, project_id, agent_id)
  if (!agent) throw notFound.agent(agent_id, project_id)
  const { secret, hash } = createSecret(AGENT_TOKEN_PREFIX)
  const expires_at = new Date(Date.now() + expires_in * 1000)
  await orm.em.fork().transactional(async (em) => {
    // What has expired is of no use to anybody: so an agent's tokens do not pile up.
    await em.nativeDelete(ApiKeyEntity, { agent: agent_id, expires_at: { $lt: new Date() } })
    em.create(ApiKeyEntity, {
      name: `Runtime of ${agent.name}`.slice(0, 255),
      key_hash: hash,
      role: 'runtime',
      project: project_id,
      agent: agent_id,
      maker: maker.id,
      expires_at,
    })
  })
  return { token: secret, expires_at: expires_at.toISOString() }
}

import { v7 as uuid } from 'uuid'
import type { Principal } from '#src/domain/access.ts'
import { notFound } from '#src/domain/errors.ts'
import {
  type AgentTypeDetails,
  insertAgentType,
  lockAgentType,
  updateAgentTypeRow,
} from '#src/store/agent-types.ts'
import { listProjectsOfType, lockAgentsOfType } from '#src/store/agents.ts'
import { QUICK_LOCK_MS } from './bounds.ts'
import { commit } from './commit.ts'
import { orConflict } from './conflicts.ts'
import type { CommandContext } from './context.ts'
import { renameInSlices } from './projects.ts'
import type { UnitOfWork } from './unit-of-work.ts'

export type AgentTypeInput = Omit<AgentTypeDetails, 'id' | 'created_at' | 'updated_at'>

const brief = { lock_timeout_ms: QUICK_LOCK_MS }
const unique = { field: 'slug', what: 'An agent type' }

export function createAgentType(
  { database, clock }: CommandContext,
  input: AgentTypeInput,
): Promise<AgentTypeDetails> {
  return orConflict(insertAgentType(database, { ...input, id: uuid(), created_at: clock() }), unique)
}

/**
 * A new name or slug gives every agent of the type an event, in all projects, in the same transaction. Since it holds locks
 * of many projects, it never waits for one: it is refused with `unavailable`.
 */
export function updateAgentType(
  context: CommandContext,
  { agent_type_id, principal }: { agent_type_id: string; principal: Principal },
  patch: Partial<AgentTypeInput>,
): Promise<AgentTypeDetails> {
  const work = async (unit: UnitOfWork) => {
    const { sql, now } = unit
    const before = await lockAgentType(sql, agent_type_id)
    if (!before) throw notFound.agent_type(agent_type_id)
    const after = await updateAgentTypeRow(sql, { ...before, ...patch, updated_at: now })
    if (after.name !== before.name || after.slug !== before.slug) {
      const agents = await lockAgentsOfType(sql, agent_type_id)
      await unit.lockProjects(await listProjectsOfType(sql, agent_type_id))
      const names = { agent_type_name: after.name, agent_type_slug: after.slug }
      await renameInSlices(unit, agents, { names, principal })
    }
    return after
  }
  return orConflict(commit(context, work, brief), unique)
}

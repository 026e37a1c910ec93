import { v7 as uuid } from 'uuid'
import type { Principal } from '#src/domain/access.ts'
import { notFound } from '#src/domain/errors.ts'
import {
  type AgentTypeDetails,
  insertAgentType,
  lockAgentType,
  updateAgentTypeRow,
} from '#src/store/agent-types.ts'
import { listAgentKeysOfType } from '#src/store/agents.ts'
import { orConflict } from './conflicts.ts'
import type { CommandContext } from './context.ts'
import { applyToAll } from './projects.ts'
import { UnitOfWork } from './unit-of-work.ts'

export type AgentTypeInput = Omit<AgentTypeDetails, 'id' | 'created_at' | 'updated_at'>

const unique = { field: 'slug', what: 'An agent type' }

export function createAgentType(
  { database, clock }: CommandContext,
  input: AgentTypeInput,
): Promise<AgentTypeDetails> {
  return orConflict(insertAgentType(database, { ...input, id: uuid(), created_at: clock() }), unique)
}

/** A new name or slug is an event of every agent of the type, in all projects, in the same transaction. */
export async function updateAgentType(
  { database, bus, clock }: CommandContext,
  { agent_type_id, principal }: { agent_type_id: string; principal: Principal },
  patch: Partial<AgentTypeInput>,
): Promise<AgentTypeDetails> {
  const { type, events } = await orConflict(
    database.transaction(async (sql) => {
      const now = clock()
      const before = await lockAgentType(sql, agent_type_id)
      if (!before) throw notFound.agent_type(agent_type_id)
      const after = await updateAgentTypeRow(sql, { ...before, ...patch, updated_at: now })
      const work = new UnitOfWork(sql, now)
      if (after.name !== before.name || after.slug !== before.slug) {
        const keys = await listAgentKeysOfType(sql, agent_type_id)
        await work.lockAgents(keys)
        await work.lockProjects([...new Set(keys.map((key) => key.project_id))])
        const names = { agent_type_name: after.name, agent_type_slug: after.slug }
        applyToAll(work, { names, principal })
      }
      return { type: after, events: work.flush() }
    }),
    unique,
  )
  for (const event of events) bus.publish(event)
  return type
}

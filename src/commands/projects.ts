import { v7 as uuid } from 'uuid'
import type { Principal } from '#src/domain/access.ts'
import { toActor } from '#src/domain/access.ts'
import type { AgentState } from '#src/domain/agent.ts'
import { notFound, refuse } from '#src/domain/errors.ts'
import { listAgentKeysOfProject } from '#src/store/agents.ts'
import type { Sql } from '#src/store/database.ts'
import {
  closeSpawning,
  deleteProjectRow,
  findProject,
  insertProject,
  type ProjectRow,
  updateProjectRow,
} from '#src/store/projects.ts'
import { orConflict } from './conflicts.ts'
import type { CommandContext } from './context.ts'
import { UnitOfWork } from './unit-of-work.ts'

export type ProjectInput = { name: string; slug: string; description: string | null }

/** The caller owns what it creates. Refuses a slug that is taken with `conflict`. */
export function createProject(
  { database, clock }: CommandContext,
  principal: Principal,
  input: ProjectInput,
): Promise<ProjectRow> {
  const project = { ...input, id: uuid(), owner_id: principal.id, created_at: clock() }
  return orConflict(insertProject(database, project), { field: 'slug', what: 'A project' })
}

/** A new name or slug is an event of every agent of the project, in the same transaction. */
export async function updateProject(
  { database, bus, clock }: CommandContext,
  { project_id, principal }: { project_id: string; principal: Principal },
  patch: Partial<ProjectInput>,
): Promise<ProjectRow> {
  const renames = patch.name !== undefined || patch.slug !== undefined
  const { project, events } = await orConflict(
    database.transaction(async (sql) => {
      const now = clock()
      const work = new UnitOfWork(sql, now)
      if (renames) await lockAgentsOf(work, sql, project_id)
      else await work.lockProjects([project_id])
      const before = await findProject(sql, project_id)
      const after = before && (await updateProjectRow(sql, { ...before, ...patch, updated_at: now }))
      if (!after) throw notFound.project(project_id)
      if (after.name !== before.name || after.slug !== before.slug) {
        const names = { project_name: after.name, project_slug: after.slug }
        applyToAll(work, { names, principal })
      }
      return { project: after, events: work.flush() }
    }),
    { field: 'slug', what: 'A project' },
  )
  for (const event of events) bus.publish(event)
  return project
}

/** Every agent, before their project: nothing is spawned meanwhile. */
async function lockAgentsOf(work: UnitOfWork, sql: Sql, project_id: string): Promise<void> {
  await closeSpawning(sql, project_id)
  await work.lockAgents(await listAgentKeysOfProject(sql, project_id))
  await work.lockProjects([project_id])
}

type Names = Partial<
  Pick<AgentState, 'project_name' | 'project_slug' | 'agent_type_name' | 'agent_type_slug'>
>

/** Gives every locked agent the new names of its project or type. */
export function applyToAll(
  work: UnitOfWork,
  { names, principal }: { names: Names; principal: Principal },
): void {
  for (const agent of work.agents()) {
    work.apply({ agent: { ...agent, ...names }, event: { name: 'agent.updated' } }, toActor(principal))
  }
}

/**
 * Refuses with `conflict` while the project has agents that are not terminated. Its agents are locked before
 * it, as by whoever changes one of them: the other way round each would wait for the other.
 */
export async function deleteProject({ database }: CommandContext, project_id: string): Promise<void> {
  const deleted = await database.transaction((sql) => deleteProjectRow(sql, project_id))
  if (!deleted) throw refuse('conflict', 'The project has agents that are not terminated')
}

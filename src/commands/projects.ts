import { v7 as uuid } from 'uuid'
import { type Principal, toActor } from '#src/domain/access.ts'
import type { AgentState } from '#src/domain/agent.ts'
import { notFound, refuse } from '#src/domain/errors.ts'
import { type LockedAgent, lockAgentsOfProject } from '#src/store/agents.ts'
import { writeAudit } from '#src/store/audit.ts'
import type { Sql } from '#src/store/database.ts'
import { listGlobalHolds, shareGlobalHolds } from '#src/store/global-holds.ts'
import {
  deleteProjectRow,
  findProject,
  holdSpawnLock,
  insertProject,
  type ProjectRow,
  updateProjectRow,
} from '#src/store/projects.ts'
import { commit } from './commit.ts'
import { orConflict } from './conflicts.ts'
import type { CommandContext } from './context.ts'
import { decideInSlices } from './fleet-order.ts'
import { placeHold } from './hold-changes.ts'
import type { UnitOfWork } from './unit-of-work.ts'

const unique = { field: 'slug', what: 'A project' }

export type ProjectInput = { name: string; slug: string; description: string | null; agent_limit: number }

/** The caller owns what it creates. Refuses a slug that is taken with `conflict`. */
export function createProject(
  context: CommandContext,
  principal: Principal,
  input: ProjectInput,
): Promise<ProjectRow> {
  const id = uuid()
  const work = async (unit: UnitOfWork) => {
    const { sql, now } = unit
    // A hold of all projects that is placed at the same time either finds this project, or is found here.
    await shareGlobalHolds(sql)
    const project = await insertProject(sql, { ...input, id, owner_id: principal.id, created_at: now })
    const holds = await listGlobalHolds(sql)
    if (holds.length > 0) await unit.lockProjects([id])
    for (const hold of holds) await placeHold(unit, { ...hold, project_id: id })
    return project
  }
  return orConflict(commit(context, work), unique)
}

/** A new name or slug gives every agent of the project an event, in the same transaction. */
export function updateProject(
  context: CommandContext,
  { project_id, principal }: { project_id: string; principal: Principal },
  patch: Partial<ProjectInput>,
): Promise<ProjectRow> {
  const renames = patch.name !== undefined || patch.slug !== undefined
  const work = async (unit: UnitOfWork) => {
    const { sql, now } = unit
    const agents = renames ? await lockAgentsOf(sql, project_id) : []
    await unit.lockProjects([project_id])
    const before = await findProject(sql, project_id)
    const after = before && (await updateProjectRow(sql, { ...before, ...patch, updated_at: now }))
    if (!after) throw notFound.project(project_id)
    if (after.name !== before.name || after.slug !== before.slug) {
      const names = { project_name: after.name, project_slug: after.slug }
      await renameInSlices(unit, agents, { names, principal })
    }
    return after
  }
  return orConflict(commit(context, work), unique)
}

/** Locks every agent before the project. The spawn lock keeps others from being added. */
async function lockAgentsOf(sql: Sql, project_id: string): Promise<LockedAgent[]> {
  await holdSpawnLock(sql, project_id)
  return lockAgentsOfProject(sql, project_id)
}

type Names = Partial<
  Pick<AgentState, 'project_name' | 'project_slug' | 'agent_type_name' | 'agent_type_slug'>
>

/** Gives every locked agent the new names of its project or type. */
export function renameInSlices(
  work: UnitOfWork,
  agents: readonly LockedAgent[],
  { names, principal }: { names: Names; principal: Principal },
): Promise<void> {
  const actor = toActor(principal)
  return decideInSlices(work, agents, (agent) => {
    work.apply({ agent: { ...agent, ...names }, event: { name: 'agent.updated' } }, actor)
  })
}

/**
 * Refuses with `conflict` while the project has agents that are not terminated. Agents are locked before their project, in
 * the order of every other change, so that no two transactions wait for each other.
 */
export async function deleteProject(
  { database }: CommandContext,
  { project_id, principal }: { project_id: string; principal: Principal },
): Promise<void> {
  await database.transaction(async (sql) => {
    const deleted = await deleteProjectRow(sql, project_id)
    if (deleted === 'live') throw refuse('conflict', 'The project has agents that are not terminated')
    const target = { actor: toActor(principal), target_id: project_id, project_id }
    // Its event log is gone with it.
    if (deleted) await writeAudit(sql, { action: 'project_deleted', ...target, details: deleted })
  })
}

import { v7 as uuid } from 'uuid'
import { type ActionName, type ActionRequest, decideAction, decideTimedResume } from '#src/domain/actions.ts'
import type { AgentState } from '#src/domain/agent.ts'
import { refuse, SignalboxError } from '#src/domain/errors.ts'
import { type Actor, system } from '#src/domain/events.ts'
import type { AgentStatus } from '#src/domain/lifecycle.ts'
import { decideSpawn, type SpawnInput } from '#src/domain/spawn.ts'
import { type AgentPatch, decideUpdate } from '#src/domain/update.ts'
import { listAgentsToResume, listLiveAgentIds } from '#src/store/agents.ts'
import type { Sql } from '#src/store/database.ts'
import { closeSpawning } from '#src/store/projects.ts'
import type { CommandContext } from './context.ts'
import { UnitOfWork } from './unit-of-work.ts'

type AgentTarget = { project_id: string; agent_id: string; actor: Actor }

/** Seconds after which a pause ends by itself; undefined: it doesn't. */
export type ActionInput = { reason?: string | null | undefined; resume_after?: number | null | undefined }

/** REST `spawn_agent`. Refuses with `not_found` (project, type) or `invalid` (inactive type). */
export function spawnAgent(
  { writes }: CommandContext,
  { project_id, actor }: Omit<AgentTarget, 'agent_id'>,
  { agent_type_id, ...input }: SpawnInput & { agent_type_id: string },
): Promise<AgentState> {
  return writes.submit({
    project_id,
    actor,
    agent_type_id,
    decide_spawn: (parents, context) => decideSpawn(input, parents, context),
  })
}

/** REST `update_agent`. Refuses with `not_found` or `invalid`. */
export function updateAgent(
  { writes }: CommandContext,
  target: AgentTarget,
  patch: AgentPatch,
): Promise<AgentState> {
  return writes.submit({ ...target, decide: (agent, context) => decideUpdate(agent, patch, context) })
}

/** REST `pause_agent`, `resume_agent`, `terminate_agent`. Refuses with `not_found` or `invalid`. */
export function actOnAgent(
  { writes }: CommandContext,
  target: AgentTarget,
  { action, ...input }: ActionInput & { action: ActionName },
): Promise<AgentState> {
  return writes.submit({
    ...target,
    decide: (agent, context) =>
      decideAction(agent, { action, ...toActionRequest(input, context.now) }, context),
  })
}

function toActionRequest({ reason, resume_after }: ActionInput, now: string): ActionRequest {
  return {
    reason: reason ?? null,
    resume_at: resume_after ? new Date(Date.parse(now) + resume_after * 1000).toISOString() : null,
  }
}

/** Ends every pause whose time is over. Returns how many agents there were to look at, at most `limit`. */
export async function resumeDueAgents(
  { writes, database, clock }: Pick<CommandContext, 'writes' | 'database' | 'clock'>,
  limit: number,
): Promise<number> {
  const due = await listAgentsToResume(database, clock(), limit)
  const resumed = due.map((target) =>
    writes.submit({ ...target, actor: system, decide: decideTimedResume }).catch((error: unknown) => {
      // One that was deleted meanwhile.
      if (!(error instanceof SignalboxError)) throw error
    }),
  )
  await Promise.all(resumed)
  return due.length
}

/** Without `ids`: every agent that is not terminated. `status` leaves out those that are in another one. */
export type BulkSelection = { ids?: readonly string[] | undefined; status?: AgentStatus | undefined }
export type BulkResult = { affected: string[]; skipped: { id: string; message: string }[] }
export type BulkInput = ActionInput & { action: ActionName; selection: BulkSelection }

/**
 * REST `act_on_agents`: one action on many agents of a project, in one transaction, an event for each. Those
 * that cannot take it are skipped, each with its reason.
 */
export async function actOnAgents(
  { database, bus, clock }: CommandContext,
  { project_id, actor }: Omit<AgentTarget, 'agent_id'>,
  { action, selection, ...input }: BulkInput,
): Promise<BulkResult> {
  const { result, events } = await database.transaction(async (sql) => {
    const now = clock()
    const work = new UnitOfWork(sql, now)
    const ids = await lockSelected(work, sql, { project_id, selection })
    const result: BulkResult = { affected: [], skipped: [] }
    for (const id of ids) {
      try {
        const agent = work.agent({ agent_id: id, project_id })
        const context = { actor, now, signal_id: uuid() }
        assertSelected(agent, selection)
        work.apply(decideAction(agent, { action, ...toActionRequest(input, now) }, context), actor)
        result.affected.push(id)
      } catch (error) {
        if (!(error instanceof SignalboxError)) throw error
        result.skipped.push({ id, message: error.message })
      }
    }
    return { result, events: work.flush() }
  })
  for (const event of events) bus.publish(event)
  return result
}

/** All means all: nothing is spawned meanwhile, and who is of the status is seen once nobody can change it. */
async function lockSelected(
  work: UnitOfWork,
  sql: Sql,
  { project_id, selection: { ids, status } }: { project_id: string; selection: BulkSelection },
): Promise<string[]> {
  if (!ids) await closeSpawning(sql, project_id)
  const chosen = ids ? [...new Set(ids)] : await listLiveAgentIds(sql, project_id)
  await work.lockAgents(chosen.map((agent_id) => ({ agent_id, project_id })))
  await work.lockProjects([project_id])
  if (ids) return chosen
  return work
    .agents()
    .filter((agent) => agent.status !== 'terminated' && (!status || agent.status === status))
    .map((agent) => agent.id)
}

function assertSelected(agent: AgentState, { status }: BulkSelection): void {
  if (status && agent.status !== status) throw refuse('invalid', `Agent is ${agent.status}, not ${status}`)
}

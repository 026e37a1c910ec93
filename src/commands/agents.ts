import type { ActionName, Mode } from '#src/domain/actions.ts'
import type { Actor } from '#src/domain/actor.ts'
import type { AgentState } from '#src/domain/agent.ts'
import { Cascade } from '#src/domain/cascade.ts'
import type { DecisionContext } from '#src/domain/change.ts'
import { notFound, refuse, SignalboxError } from '#src/domain/errors.ts'
import type { AgentStatus } from '#src/domain/lifecycle.ts'
import { type ActionRequest, decideAction, mayRepeat } from '#src/domain/orders.ts'
import { matches, type Selector } from '#src/domain/selector.ts'
import { decideSpawn, type SpawnInput } from '#src/domain/spawn.ts'
import { addSeconds } from '#src/domain/time.ts'
import { type AgentPatch, decideUpdate } from '#src/domain/update.ts'
import {
  findMatching,
  type LockedAgent,
  lockLiveAgents,
  lockNamedAgents,
  lockTrees,
} from '#src/store/agents.ts'
import { holdSpawnLock } from '#src/store/projects.ts'
import { commit } from './commit.ts'
import type { CommandContext } from './context.ts'
import { decideTrees, lockWholeTrees, orderAgent } from './tree-order.ts'
import type { UnitOfWork } from './unit-of-work.ts'

type AgentTarget = { project_id: string; agent_id: string; actor: Actor }

/**
 * `resume_after`: seconds after which a pause ends by itself; undefined: it has no end. `cascade`: whether the descendants
 * follow; undefined: they do.
 */
export type ActionInput = {
  reason?: string | null | undefined
  resume_after?: number | null | undefined
  mode?: Mode | null | undefined
  cascade?: boolean | undefined
}

/**
 * REST `spawn_agent`. Refuses with `not_found` (project, type), `invalid` (inactive type), or `conflict` (a name that is taken,
 * a full project).
 */
export function spawnAgent(
  { writes }: CommandContext,
  { project_id, actor }: Omit<AgentTarget, 'agent_id'>,
  { agent_type_id, ...input }: SpawnInput & { agent_type_id: string },
): Promise<AgentState> {
  return writes.submit({
    project_id,
    actor,
    agent_type: { id: agent_type_id },
    external_id: input.external_id,
    parent_id: input.parent_id,
    decide_spawn: (parents, context) => decideSpawn(input, parents, context),
  })
}

/** REST `update_agent`. Refuses with `not_found`, `invalid`, or `conflict` (a name that is taken). */
export function updateAgent(
  context: CommandContext,
  target: AgentTarget,
  patch: AgentPatch,
): Promise<AgentState> {
  return orderAgent(context, {
    ...target,
    external_id: patch.external_id,
    relabels: patch.labels !== undefined,
    spends: patch.tokens_used !== undefined || patch.cost_incurred !== undefined,
    decide: (agent, inputs) => decideUpdate(agent, patch, inputs),
  })
}

/** REST `pause_agent`, `resume_agent`, `terminate_agent`. Refuses with `not_found` or `invalid`. */
export function actOnAgent(
  context: CommandContext,
  target: AgentTarget,
  { action, cascade = true, ...input }: ActionInput & { action: ActionName },
): Promise<AgentState> {
  const decide = (agent: AgentState, inputs: DecisionContext) =>
    decideAction(agent, { action, again: true, ...toActionRequest(input, inputs.now) }, inputs)
  const request = { ...target, decide }
  if (!cascade) return context.writes.submit(request)
  return orderAgent(context, request, { unobeyed: action === 'terminate' })
}

function toActionRequest({ reason, resume_after, mode }: ActionInput, now: string): ActionRequest {
  return {
    reason: reason ?? null,
    resume_at: resume_after ? addSeconds(now, resume_after) : null,
    mode,
  }
}

/**
 * Without `ids`: every agent that is not terminated, or those of them that match `selector`. With `status`: only agents in
 * that status.
 */
export type BulkSelection = {
  ids?: readonly string[] | undefined
  selector?: Selector | undefined
  status?: AgentStatus | undefined
}
export type BulkResult = { affected_count: number; skipped: { id: string; message: string }[] }
/** `again`: also agents that have the status already, but whose runtimes have not obeyed. */
export type BulkInput = ActionInput & {
  action: ActionName
  selection: BulkSelection
  again?: boolean | undefined
}

/**
 * REST `act_on_agents`: one action on many agents of a project and their descendants, in one transaction, with an event for
 * each. Agents that cannot take the action are skipped, each with its reason.
 */
export function actOnAgents(
  context: CommandContext,
  { project_id, actor }: Omit<AgentTarget, 'agent_id'>,
  { action, selection, cascade = true, again = false, ...input }: BulkInput,
): Promise<BulkResult> {
  const { ids, status } = selection
  // Where all agents take part themselves, none is left to follow.
  const isFollowed = cascade && Object.values(selection).some((value) => value !== undefined)
  const unobeyed = again && action === 'terminate'
  return commit(context, async (work) => {
    const request = { action, again, ...toActionRequest(input, work.now) }
    const isMeant = toMeaning(selection, unobeyed)
    const reasons = new Map<string, string>()
    for (const id of ids ?? []) reasons.set(id, notFound.agent(id, project_id).message)
    let affected_count = 0
    await decideTrees(work, await lockSelected(work, { project_id, selection, isFollowed, unobeyed }), {
      actor,
      cascade: isFollowed ? new Cascade({ again }) : undefined,
      decideNamed(agent, inputs) {
        // The status counts under the lock. An agent that the request does not name is not listed as skipped.
        if (!isMeant(agent) || (!ids && status && agent.status !== status)) return undefined
        try {
          assertSelected(agent, status)
          return decideAction(agent, request, inputs)
        } catch (error) {
          if (!(error instanceof SignalboxError)) throw error
          reasons.set(agent.id, error.message)
          return undefined
        }
      },
      onChanged(agent) {
        reasons.delete(agent.id)
        affected_count++
      },
    })
    return { affected_count, skipped: [...reasons].map(([id, message]) => ({ id, message })) }
  })
}

function toMeaning({ ids, selector = [] }: BulkSelection, unobeyed: boolean): (agent: AgentState) => boolean {
  if (!ids) {
    return (agent) =>
      (agent.status !== 'terminated' || (unobeyed && mayRepeat(agent, 'terminate'))) &&
      matches(selector, agent.labels)
  }
  const named = new Set(ids)
  return ({ id }) => named.has(id)
}

type Selected = { project_id: string; selection: BulkSelection; isFollowed: boolean; unobeyed: boolean }

async function lockSelected(work: UnitOfWork, selected: Selected): Promise<LockedAgent[]> {
  const locked = await lockAgentsOf(work, selected)
  await work.lockProjects([selected.project_id])
  return locked
}

/**
 * The spawn lock is held where all agents of the project or of trees are meant, or those that a selector finds, so that none
 * is missed that is spawned, or changes its labels, at the same time.
 */
async function lockAgentsOf(
  work: UnitOfWork,
  { project_id, selection, isFollowed, unobeyed }: Selected,
): Promise<LockedAgent[]> {
  const { sql } = work
  const { ids, selector } = selection
  if (ids && !isFollowed) return lockNamedAgents(sql, project_id, ids)
  if (ids) return lockWholeTrees(work, { project_id, ids, unobeyed })
  await holdSpawnLock(sql, project_id)
  if (!selector) return lockLiveAgents(sql, project_id, { parents: isFollowed, unobeyed })
  const found = await findMatching(sql, { project_id, selector, unobeyed })
  if (!isFollowed) return lockNamedAgents(sql, project_id, found)
  return lockTrees(sql, { project_id, ids: found, unobeyed })
}

function assertSelected(agent: AgentState, status: AgentStatus | undefined): void {
  if (status && agent.status !== status) throw refuse('invalid', `Agent is ${agent.status}, not ${status}`)
}

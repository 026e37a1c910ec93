import { system } from '#src/domain/actor.ts'
import { Cascade } from '#src/domain/cascade.ts'
import { SignalboxError } from '#src/domain/errors.ts'
import { decideTimedResume } from '#src/domain/orders.ts'
import { type AgentKey, listAgentsToResume } from '#src/store/agents.ts'
import type { ByProject } from './by-project.ts'
import { commit } from './commit.ts'
import type { CommandContext } from './context.ts'
import type { ProjectTurns } from './project-turns.ts'
import { decideTrees, lockWholeTrees } from './tree-order.ts'

export type TimedContext = CommandContext & { turns: Pick<ProjectTurns, 'share'> }

/**
 * Ends every pause whose time is over, except in projects that are held up. Returns how many agents were due, at most
 * `limit`.
 */
export async function resumeDueAgents(
  context: TimedContext,
  byProject: ByProject,
  limit: number,
): Promise<number> {
  const due = await listAgentsToResume(context.database, { limit, except: byProject.heldUp })
  const parents = due.filter(({ has_children }) => has_children)
  const others = due.filter(({ has_children }) => !has_children)
  await byProject.run(
    [
      ...others.map((target) => ({ ...target, resume: () => resumeOne(context, target) })),
      ...[...Map.groupBy(parents, ({ project_id }) => project_id)].map(([project_id, agents]) => ({
        project_id,
        resume: () =>
          resumeTrees(
            context,
            project_id,
            agents.map(({ agent_id }) => agent_id),
          ),
      })),
    ],
    ({ resume }) => resume(),
  )
  return due.length
}

async function resumeOne({ writes }: TimedContext, { agent_id, project_id }: AgentKey): Promise<void> {
  try {
    await writes.submit({
      agent_id,
      project_id,
      actor: system,
      ignores_memory: true,
      // An agent that has a child since it was listed is listed as a parent in the next round.
      decide: (agent, context) => (agent.has_children ? undefined : decideTimedResume(agent, context)),
    })
  } catch (error) {
    // The agent was deleted since it was listed.
    if (!(error instanceof SignalboxError)) throw error
  }
}

/** Agents with children, each with those that were paused under it, in one transaction. */
function resumeTrees(context: TimedContext, project_id: string, ids: readonly string[]): Promise<void> {
  const database = context.turns.share(context.database, project_id)
  const due = new Set(ids)
  return commit({ ...context, database }, async (work) => {
    const [locked] = await Promise.all([
      lockWholeTrees(work, { project_id, ids, unobeyed: false }),
      work.lockProjects([project_id]),
    ])
    await decideTrees(work, locked, {
      actor: system,
      cascade: new Cascade(),
      decideNamed: (agent, inputs) => (due.has(agent.id) ? decideTimedResume(agent, inputs) : undefined),
    })
  })
}

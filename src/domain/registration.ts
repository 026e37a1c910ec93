import type { AgentState } from './agent.ts'
import type { Change, DecisionContext } from './change.ts'
import { refuse } from './errors.ts'
import { applyHolds } from './holding.ts'
import { isSameJson } from './json.ts'
import { type Labels, mergeLabels } from './labels.ts'
import { type Attaching, decideAttach } from './runtime.ts'
import type { SpawnInput } from './spawn.ts'

/** What a `register` has done: spawned its agent, or found it under its name. */
export const registrations = ['created', 'found'] as const
export type Registration = (typeof registrations)[number]

/** What a `register` says of the agent, if it is a new one. */
export type NewAgent = Pick<SpawnInput, 'name' | 'labels' | 'parent_id' | 'token_limit' | 'cost_limit'> & {
  external_id: string
}

export function toSpawnInput(agent: NewAgent): SpawnInput {
  return {
    ...agent,
    status: 'idle',
    current_task: null,
    short_term_memory: {},
    long_term_memory_ref: null,
    session_id: null,
  }
}

/**
 * Links a runtime to the agent that has its name (protocol: `register`). Undefined: the agent ended by its own report, so
 * the name goes to a new one. Refuses with `agent_terminated` otherwise, since a restart must not defeat a kill.
 */
export function decideFound(
  holder: AgentState,
  { labels, ...attaching }: Attaching & { labels: Labels },
  context: DecisionContext,
): Change | undefined {
  if (holder.status !== 'terminated') {
    const relabelled = { ...holder, labels: mergeLabels(holder.labels, labels) }
    const attached = decideAttach(relabelled, attaching, context.now)
    if (isSameJson(holder.labels, relabelled.labels)) return attached
    // Its timer resumes those that were paused with it, too.
    return applyHolds(holder, attached, context, holder.has_children ? context.now : undefined)
  }
  if (holder.control && holder.control.cause.kind !== 'runtime') {
    throw refuse('agent_terminated', 'Agent was terminated by an operator', 'external_id')
  }
  return undefined
}

/** Takes the name from an ended agent, so that another can have it. Refuses with `conflict` while the agent is live. */
export function decideRelease(holder: AgentState): Change {
  if (holder.status !== 'terminated') {
    throw refuse('conflict', `Agent ${holder.id} has this external_id`, 'external_id')
  }
  return { agent: { ...holder, external_id: null }, event: { name: 'agent.updated' } }
}

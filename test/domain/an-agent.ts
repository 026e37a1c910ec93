import type { AgentState } from '#src/domain/agent.ts'
import type { DecisionContext } from '#src/domain/change.ts'
import { decideSpawn } from '#src/domain/spawn.ts'

export const NOW = '2026-11-23T18:03:11.204Z'
export const LATER = '2026-11-23T18:04:00.000Z'

export const context: DecisionContext = {
  actor: { kind: 'user', id: '00000000-0000-4000-8000-00000000000a' },
  now: LATER,
  signal_id: '00000000-0000-4000-8000-00000000000b',
}

const project = { id: '00000000-0000-4000-8000-000000000001', name: 'Line', slug: 'line' }
export const agent_type = {
  id: '00000000-0000-4000-8000-000000000002',
  name: 'Driver',
  slug: 'driver',
  is_active: true,
}
export const parents = { project, agent_type }
export const input = {
  name: 'Ada',
  status: 'idle',
  current_task: null,
  short_term_memory: {},
  long_term_memory_ref: null,
  session_id: null,
  token_limit: null,
  cost_limit: null,
  labels: {},
  external_id: null,
  parent_id: null,
} as const

/** A freshly spawned agent, with what a test cares about. */
export function anAgent(own: Partial<AgentState> = {}): AgentState {
  const spawned = decideSpawn(input, parents, {
    ...context,
    id: '00000000-0000-4000-8000-000000000003',
    now: NOW,
  })
  return { ...spawned.agent, ...own }
}

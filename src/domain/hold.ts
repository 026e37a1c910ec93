import type { actions } from './actions.ts'
import type { Actor } from './actor.ts'
import type { Time } from './time.ts'

/** Active holds that people may place in one project, and in all projects at once; one more is refused with `conflict`. */
export const MAX_HOLDS = 100

export type PauseMode = (typeof actions.pause.modes)[number]

export const holdCauses = ['order', 'budget'] as const

/** A stop of all agents that match, also of those that come later (fleet contract: Holds). */
export type Hold = {
  id: string
  /** Null: a hold of all projects. */
  project_id: string | null
  /** The hold of all projects that this one belongs to. */
  group_id: string | null
  reason: string
  /** Null: agents with any labels. */
  selector: string | null
  agent_type_id: string | null
  mode: PauseMode
  /** When it ends by itself. */
  until: Time | null
  /** An operator placed it, or a budget that is used up. */
  cause: { kind: (typeof holdCauses)[number]; id: string | null }
  created_by: Actor
  created_at: Time
  released_at: Time | null
  released_by: Actor | null
  /** Agents that it has paused so far. */
  affected_count: number
}

import type { ReadonlySignal } from '@preact/signals'
import type { ProjectLive } from './project-live.ts'

/** The agents that a list shows: those of now, or those of a moment in the past, which take no commands. */
export type FleetSource = Pick<
  ProjectLive,
  | 'project_id'
  | 'agents'
  | 'trees'
  | 'version'
  | 'concerns'
  | 'totals'
  | 'nameOf'
  | 'holds'
  | 'budgets'
  | 'stopsVersion'
> & {
  isPast?: true
  /** The moment that the agents are of; undefined: now. */
  at?: ReadonlySignal<number>
}

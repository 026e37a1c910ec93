import type { AgentState } from './agent.ts'
import type { Hold } from './hold.ts'
import { matches, parseSelector, type Selector } from './selector.ts'

/** The holds that stand in one project, oldest first. */
export class ActiveHolds {
  readonly #holds: readonly { hold: Hold; selector: Selector }[]

  constructor(holds: readonly Hold[]) {
    this.#holds = holds.map((hold) => ({ hold, selector: parseSelector(hold.selector ?? '') }))
  }

  /** Those that apply to an agent, oldest first. A terminated agent has none. */
  of({ status, labels, agent_type_id }: Pick<AgentState, 'status' | 'labels' | 'agent_type_id'>): Hold[] {
    if (status === 'terminated') return []
    return this.#holds
      .filter(
        ({ hold, selector }) =>
          (hold.agent_type_id === null || hold.agent_type_id === agent_type_id) && matches(selector, labels),
      )
      .map(({ hold }) => hold)
  }

  /** With one that has been placed since. */
  with(hold: Hold): ActiveHolds {
    return new ActiveHolds([...this.#holds.map((one) => one.hold), hold])
  }

  has(hold_id: string): boolean {
    return this.#holds.some(({ hold }) => hold.id === hold_id)
  }
}

export const noHolds = new ActiveHolds([])

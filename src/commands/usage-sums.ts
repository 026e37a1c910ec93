import type { AgentState } from '#src/domain/agent.ts'
import type { Time } from '#src/domain/time.ts'
import { addUsed, quarterOf, type Used } from '#src/domain/usage.ts'
import type { UsageRow } from '#src/store/usage.ts'

/** The usage that one transaction records: one row for all reports of an agent, a model and a quarter-hour. */
export class UsageSums {
  readonly #rows = new Map<string, UsageRow>()

  add({ id: agent_id, project_id }: AgentState, used: readonly Used[], at: Time): void {
    if (used.length === 0) return
    const quarter = quarterOf(at)
    for (const one of used) {
      const key = JSON.stringify([agent_id, quarter, one.model, one.provider])
      const before = this.#rows.get(key)
      this.#rows.set(key, { ...(before ? addUsed(before, one) : one), agent_id, project_id, quarter })
    }
  }

  /** All rows, which are forgotten here. */
  take(): UsageRow[] {
    const rows = [...this.#rows.values()]
    this.#rows.clear()
    return rows
  }
}

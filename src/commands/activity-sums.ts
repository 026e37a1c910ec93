import { ACTIVITY_SECONDS, type ActivityChange, addChange, noActivity, spanOf } from '#src/domain/activity.ts'
import type { AgentState } from '#src/domain/agent.ts'
import type { Time } from '#src/domain/time.ts'
import type { ActivityRow } from '#src/store/activity.ts'
import type { ProjectHead } from '#src/store/events.ts'

/** What one transaction does in each project: one row, because all its events of a project have the same time. */
export class ActivitySums {
  readonly #sums = new Map<string, ActivityChange>()

  addEvent(project_id: string): void {
    this.#of(project_id).events++
  }

  addChange(before: AgentState | undefined, after: AgentState): void {
    addChange(this.#of(after.project_id), before, after)
  }

  /** The rows of the projects whose numbers were taken, which are then forgotten. */
  take(heads: readonly ProjectHead[], now: Time): ActivityRow[] {
    const rows = heads.flatMap(({ id, event_seq, event_at }): ActivityRow[] => {
      const sum = this.#sums.get(id)
      return sum
        ? [{ ...sum, project_id: id, at: spanOf(event_at ?? now, ACTIVITY_SECONDS), last_seq: event_seq }]
        : []
    })
    this.#sums.clear()
    return rows
  }

  #of(project_id: string): ActivityChange {
    const known = this.#sums.get(project_id)
    if (known) return known
    const sum = noActivity()
    this.#sums.set(project_id, sum)
    return sum
  }
}

import type { ActionName } from './actions.ts'
import type { Control } from './control.ts'

/**
 * How far an action has come at the runtime of one agent. `away`: no runtime is connected, and the next one gets the
 * signal; `superseded`: a newer action has replaced it.
 */
export type ObedienceState = 'waiting' | 'obeyed' | 'failed' | 'away' | 'superseded'
export type Obedience = Record<ObedienceState, number>

type Ordered = { control: Control | null; runtime: { connected: boolean } }

export function obedienceOf({ control, runtime }: Ordered, action: ActionName): ObedienceState {
  if (control?.kind !== action) return 'superseded'
  if (control.state === 'done') return 'obeyed'
  if (control.state === 'failed') return 'failed'
  return runtime.connected ? 'waiting' : 'away'
}

/** How far an action has come at many agents, counted as it is noted. */
export class ObedienceTally {
  readonly counts: Obedience = { waiting: 0, obeyed: 0, failed: 0, away: 0, superseded: 0 }
  readonly #states = new Map<string, ObedienceState>()

  get size(): number {
    return this.#states.size
  }

  has(agent_id: string): boolean {
    return this.#states.has(agent_id)
  }

  note(agent_id: string, state: ObedienceState): void {
    const before = this.#states.get(agent_id)
    if (before) this.counts[before]--
    this.counts[state]++
    this.#states.set(agent_id, state)
  }

  /** The agents in none of these states. */
  *others(...states: readonly ObedienceState[]): Generator<{ id: string; state: ObedienceState }> {
    for (const [id, state] of this.#states) if (!states.includes(state)) yield { id, state }
  }
}

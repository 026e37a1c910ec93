import type { Actor } from './actor.ts'
import type { PauseMode } from './hold.ts'
import type { Money } from './money.ts'
import type { Time } from './time.ts'

export const budgetMetrics = ['cost', 'tokens'] as const
export const budgetWindows = ['none', 'hour', 'day', 'week', 'month'] as const
export const budgetActions = ['notify', 'hold'] as const
export const budgetStates = ['ok', 'warned', 'exceeded'] as const

/** A limit of what a part of a project may use in a window of time (fleet contract: Budgets). */
export type ProjectBudget = {
  id: string
  project_id: string
  name: string
  metric: (typeof budgetMetrics)[number]
  /** A decimal string for cost, a number of tokens otherwise; `spent`, too. */
  limit: Money | number
  spent: Money | number
  window: (typeof budgetWindows)[number]
  timezone: string
  selector: string | null
  agent_type_id: string | null
  agent_id: string | null
  /** Fractions of the limit. */
  warn_at: number[]
  action: (typeof budgetActions)[number]
  mode: PauseMode
  starts_at: Time
  /** Null without a window. */
  resets_at: Time | null
  state: (typeof budgetStates)[number]
  hold_id: string | null
  created_by: Actor
  created_at: Time
}

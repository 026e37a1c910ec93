import type { Hold, PlaceHoldBody } from '#src/client/rest/rest.ts'
import type { Mode } from '#src/domain/actions.ts'
import type { AppState } from './app-state.ts'
import { plural } from './format.ts'
import { say } from './notices.ts'
import { describeFailure, order } from './orders.ts'
import type { StopWay } from './stops.ts'

/** The server answers once every agent is paused: a large fleet takes its time. */
const PLACE_MS = 120_000
/** A hold has a reason, which people see; a stop need not have one. */
const REASON = 'Stop everything'

export function placeHold(app: AppState, project_id: string, body: PlaceHoldBody): Promise<Hold> {
  return app.api.with({ timeout_ms: PLACE_MS }).holds.place(project_id, body)
}

/** Paused they are once their runtimes have obeyed. */
export const sayPlaced = (count: number): string => `Hold placed. Pause sent to ${plural(count, 'agent')}.`

export type StopOrder = {
  project_id: string
  action: StopWay
  reason: string
  mode: Mode | undefined
  resume_after: number | undefined
  /** The agents that have taken the command already, but have not obeyed. */
  again: readonly string[]
  /** Whether a hold is placed first, which also stops the agents that come later. */
  isHolding: boolean
}

/** Stops every agent of a project. Resolves with whether the server accepted it. */
export async function stopAll(app: AppState, asked: StopOrder): Promise<boolean> {
  const { project_id, action, reason, mode, resume_after, again, isHolding } = asked
  const repeated = again.length > 0 || undefined
  const details = { action, reason, mode, resume_after, again: repeated }
  if (!isHolding) return order(app, { project_id, all: true }, details)
  if (!(await holdAll(app, asked))) return false
  if (action !== 'pause') return order(app, { project_id, all: true }, details)
  // The hold has paused all others.
  return repeated ? order(app, { project_id, ids: again }, details) : true
}

async function holdAll(
  app: AppState,
  { project_id, reason, mode, resume_after }: StopOrder,
): Promise<boolean> {
  try {
    const { affected_count } = await placeHold(app, project_id, {
      reason: reason || REASON,
      mode: mode === 'interrupt' ? mode : undefined,
      for: resume_after,
    })
    say('sent', `${sayPlaced(affected_count)} New ones start paused.`)
    return true
  } catch (error) {
    say('problem', describeFailure(error, 'hold', 'all agents'))
    return false
  }
}

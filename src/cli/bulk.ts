import type { Api, BulkBody } from '#src/client/rest/rest.ts'
import type { ActionName, Mode } from '#src/domain/actions.ts'
import { Progress } from './progress.ts'
import type { Selection } from './selection.ts'

/** The server takes at most this many ids in one request. */
const STEP = 1_000

export type ActionRequest = {
  action: ActionName
  selection: Selection
  reason: string | undefined
  resume_after?: number | undefined
  mode: Mode | undefined
  /** Whether the descendants follow; without it, the server's default. */
  cascade: boolean | undefined
}

/** How many agents the action reached, and the others with the reason. */
export type Reached = { affected_count: number; skipped: { id: string; message: string }[] }

/**
 * All agents are one call, so one transaction: it also reaches an agent that is spawned at the same time. Ids go in steps;
 * if one step fails, the steps before it stay done, and a repeat skips them.
 */
export async function actOnMany(
  api: Api,
  project_id: string,
  { selection: { named, status, selector }, again, ...request }: ActionRequest & { again: boolean },
): Promise<Reached> {
  const post = (which: Pick<BulkBody, 'ids' | 'all' | 'selector'>) =>
    api.agents.actOnMany(project_id, { ...request, ...which, status, again: again || undefined })
  if (!named) return post({ all: true, selector })
  const ids = [...named.keys()]
  const progress = new Progress(request.action)
  const reached: Reached = { affected_count: 0, skipped: [] }
  try {
    for (let start = 0; start < ids.length; start += STEP) {
      if (ids.length > STEP) progress.show(start, ids.length)
      const { affected_count, skipped } = await post({ ids: ids.slice(start, start + STEP) })
      reached.affected_count += affected_count
      reached.skipped.push(...skipped)
    }
  } finally {
    progress.end()
  }
  return reached
}

import type { Api, BulkBody } from '#src/client/rest.ts'
import type { ActionName } from '#src/domain/actions.ts'
import { Progress } from './progress.ts'
import type { Selection } from './selection.ts'

/** The most ids that the contract takes at once. */
const STEP = 1_000

export type ActionRequest = {
  action: ActionName
  selection: Selection
  reason: string | undefined
  resume_after?: number | undefined
}

/** Whom it reached, and whom it did not and why. */
export type Reached = { affected_count: number; skipped: { id: string; message: string }[] }

/**
 * All agents are one call, so one transaction: a kill switch leaves none out that is spawned meanwhile. Ids go
 * in steps; what was done before one failed stays done, and doing it all again skips that.
 */
export async function actOnMany(
  api: Api,
  project_id: string,
  { selection: { named, status }, ...request }: ActionRequest,
): Promise<Reached> {
  const post = (which: Pick<BulkBody, 'ids' | 'all'>) =>
    api.agents.actOnMany(project_id, { ...request, ...which, status })
  if (!named) return post({ all: true })
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

import { type Api, type EventFrame, eachEvent } from '#src/client/rest/rest.ts'
import { startTimer } from '#src/client/shared/timers.ts'
import type { ActionName } from '#src/domain/actions.ts'
import { type Obedience, ObedienceTally, obedienceOf } from '#src/domain/obedience.ts'
import type { Reached } from './bulk.ts'
import { CliError } from './failure.ts'
import { Progress } from './progress.ts'

type Acting = { action: ActionName; timeoutSeconds: number; act: () => Promise<Reached> }

/**
 * Acts, and follows the log until every connected runtime has acknowledged. It starts in the log before the action, so
 * that it misses no acknowledgement.
 */
export async function actAndWait(
  api: Api,
  project_id: string,
  { action, timeoutSeconds, act }: Acting,
): Promise<Reached & Obedience> {
  const { last_seq } = await api.events.list(project_id, { limit: 1 })
  const reached = await act()
  const { data } = await api.events.list(project_id, { after: last_seq, limit: 1 })
  const known = new ObedienceTally()
  const ending = new AbortController()
  const { signal } = ending
  const cancel = startTimer(timeoutSeconds * 1000, () => ending.abort())
  const progress = new Progress(action)
  const isDone = () => known.size >= reached.affected_count && known.counts.waiting === 0
  const events = eachEvent(api.with({ signal }), project_id, { seq: last_seq, epoch: data[0]?.epoch })
  try {
    while (!isDone()) {
      const { value: event } = await events.next()
      if (event) note(known, event, action)
      progress.show(known.size - known.counts.waiting, reached.affected_count)
    }
    return { ...reached, ...known.counts }
  } catch (error) {
    if (!signal.aborted) throw error
    const left = known.counts.waiting
    const message = `${left} of ${reached.affected_count} agents have not confirmed within ${timeoutSeconds} s`
    throw new CliError(
      'failed',
      message,
      'the action is recorded, and the server keeps its signals until the runtimes acknowledge them',
    )
  } finally {
    cancel()
    progress.end()
    await events.return()
  }
}

function note(known: ObedienceTally, { agent, signal }: EventFrame, action: ActionName): void {
  if (!agent) return
  if (!known.has(agent.id) && signal?.kind !== action) return
  known.note(agent.id, obedienceOf(agent, action))
}

import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Api, SignalDetails } from '#src/client/rest/rest.ts'
import type { AgentSummary } from '#src/domain/agent.ts'

/** What the runtime said when a signal failed. No event carries it, so the page asks the server once for each. */
const details = signal<ReadonlyMap<string, string>>(new Map())
/** One more forgets the oldest. */
const MAX_DETAILS = 1_000
/** Not for a row that is only scrolled past. */
const ASKED_AFTER_MS = 250
/** The failed signal is among the newest. */
const NEWEST = 20

export type Failed = { project_id: string; agent_id: string; signal_id: string }

/** The newest command of the agent, if it failed. */
export function failedCommand({ id, project_id, control }: AgentSummary): Failed | undefined {
  if (control?.state !== 'failed') return undefined
  return { project_id, agent_id: id, signal_id: control.signal_id }
}

/** Why a command failed, in the runtime's words; undefined until the server has answered, or if it said nothing. */
export function useFailure(api: Api, failed: Failed | undefined): string | undefined {
  const detail = failed && details.value.get(failed.signal_id)
  useEffect(() => {
    if (!failed || detail !== undefined) return
    const timer = setTimeout(() => void read(api, failed), ASKED_AFTER_MS)
    return () => clearTimeout(timer)
  }, [api, failed?.signal_id, detail])
  return detail || undefined
}

async function read(api: Api, { project_id, agent_id, signal_id }: Failed): Promise<void> {
  try {
    const { data } = await api.signals.list(project_id, agent_id, { limit: NEWEST })
    const found = data.find(({ id }) => id === signal_id)
    const kept = [...details.peek()].slice(1 - MAX_DETAILS)
    details.value = new Map([...kept, [signal_id, (found?.outcome === 'failed' && found.detail) || '']])
  } catch {
    // The row shows the failure without its reason.
  }
}

/** What the runtime that is connected has said to the newest message, if that failed. */
export function refusalOf(
  { runtime }: Pick<AgentSummary, 'runtime'>,
  signals: readonly SignalDetails[],
): string | undefined {
  const newest = signals.find(({ kind }) => kind === 'message')
  const isOfThis = (newest?.acknowledged_at ?? '') >= (runtime.since ?? '')
  return newest?.outcome === 'failed' && isOfThis
    ? (newest.detail ?? 'the runtime gave no reason')
    : undefined
}

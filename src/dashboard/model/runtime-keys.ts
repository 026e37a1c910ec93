import { signal } from '@preact/signals'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import { isOfAgent } from './of-agent.ts'

/** The API keys that are known to run agents. A key that does can do nothing else, so all that it does is a runtime's work. */
const known = signal<ReadonlySet<string>>(new Set())

export const isRuntimeKey = (id: string): boolean => known.value.has(id)

const byRuntimes: readonly string[] = [
  'agent.runtime_connected',
  'agent.signal_acknowledged',
  'agent.request_opened',
]

/** Learns from events that only a runtime makes whose keys are runtimes' keys. */
export function learnRuntimeKeys(events: readonly EventFrame[]): void {
  for (const event of events) {
    const { kind, id } = event.actor
    if (kind !== 'api_key' || id === null || known.peek().has(id) || !isByRuntime(event)) continue
    known.value = new Set([...known.peek(), id])
  }
}

/** An update counts as activity only if it is a report. */
function isByRuntime(event: EventFrame): boolean {
  if (byRuntimes.includes(event.name)) return true
  return event.name === 'agent.updated' && isOfAgent(event) && event.agent.last_activity_at === event.at
}

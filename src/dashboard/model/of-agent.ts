import type { AgentEventFrame, EventFrame } from '#src/protocol/messages/event.ts'

/** Not in `protocol/`, whose schemas would be most of the page. */
export function isOfAgent(event: EventFrame): event is AgentEventFrame {
  return event.agent !== null
}

import { defaultMode, type Mode } from '#src/domain/actions.ts'
import type { AgentSummary, AgentViews } from '#src/domain/agent.ts'
import { byOrder, byOwnLimit, byRuntime, byTimer, type Cause, type Control } from '#src/domain/control.ts'
import type { AgentEventFrame, EventFrame } from '#src/protocol/messages/event.ts'
import { actionOf } from './reach.ts'

type NewerField = 'labels' | 'external_id' | 'parent_id' | 'open_requests' | 'holds'
type NewerOfControl = 'mode' | 'cause'

/** An agent as servers before labels, trees and modes wrote it: into events that the log keeps, and during an upgrade. */
export type OlderAgent = Omit<AgentSummary, NewerField | 'runtime' | 'control'> &
  Partial<Pick<AgentSummary, NewerField>> & {
    runtime: Pick<AgentViews['runtime'], 'connected' | 'since'> & Partial<AgentViews['runtime']>
    control: OlderControl | null
  }
type OlderControl = Omit<Control, NewerOfControl> & Partial<Pick<Control, NewerOfControl>>

/** The agent with every field; what an older server left out stays as it was `before`. */
export function completeAgent(agent: OlderAgent, before?: AgentSummary): AgentSummary {
  if (isComplete(agent)) return agent
  const { runtime, control } = agent
  return {
    ...agent,
    labels: agent.labels ?? before?.labels ?? {},
    external_id: agent.external_id ?? before?.external_id ?? null,
    parent_id: agent.parent_id ?? before?.parent_id ?? null,
    open_requests: agent.open_requests ?? before?.open_requests ?? 0,
    holds: agent.holds ?? before?.holds ?? [],
    runtime: {
      ...runtime,
      capabilities: runtime.capabilities ?? before?.runtime.capabilities ?? [],
      client: runtime.client ?? before?.runtime.client ?? null,
    },
    control: control && completeControl(control),
  }
}

export function completeEvent(event: AgentEventFrame, before?: AgentSummary): AgentEventFrame
export function completeEvent(event: EventFrame, before?: AgentSummary): EventFrame
export function completeEvent(event: EventFrame, before?: AgentSummary): EventFrame {
  if (!event.agent) return event
  const agent = completeAgent(event.agent, before)
  return agent === event.agent ? event : { ...event, agent }
}

function isComplete(agent: OlderAgent): agent is AgentSummary {
  const { labels, holds, runtime, control } = agent
  return Boolean(labels && holds && runtime.capabilities) && (control === null || control.cause !== undefined)
}

function completeControl(control: OlderControl): Control {
  return {
    ...control,
    mode: control.mode ?? oldMode(control),
    cause: control.cause ?? oldCause(control),
  }
}

/** There was only the default. */
function oldMode({ kind }: OlderControl): Mode | null {
  const action = actionOf(kind)
  return action ? defaultMode(action) : null
}

/** The system's own orders had these reasons. */
function oldCause({ requested_by, reason }: OlderControl): Cause {
  if (requested_by.kind === 'runtime') return byRuntime
  if (requested_by.kind !== 'system') return byOrder
  return reason === 'resume_after' ? byTimer : byOwnLimit
}

import * as v from 'valibot'
import type { AgentSummary } from '#src/domain/agent.ts'
import { type EventName, eventNames } from '#src/domain/events.ts'
import type { Hold } from '#src/domain/hold.ts'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import type { ProjectBudget } from '#src/domain/project-budget.ts'
import type { RequestSummary } from '#src/domain/request.ts'
import type { Signal } from '#src/domain/signal.ts'
import { actor, agentSummary } from '../agents.ts'
import { budget } from '../budgets.ts'
import * as examples from '../examples.ts'
import { hold } from '../holds.ts'
import { requestSummary } from '../requests.ts'
import { signal } from '../signals.ts'
import { count, field, isoTime, uuid, wholeNumber } from '../values.ts'
import { frame } from './frame.ts'

/** When each event happens. A new event is one row here and one in the domain. */
export const eventMeanings = {
  'agent.spawned': 'An agent was spawned; with `signal` if its parent is paused.',
  'agent.status_changed': 'Its status changed; with `signal` if its runtime must act.',
  'agent.updated': 'Any other field changed.',
  'agent.terminated': 'It was terminated; with `signal` unless its runtime ended it.',
  'agent.budget_exceeded': 'Its usage reached a limit, and it was paused.',
  'agent.runtime_connected': 'A runtime attached.',
  'agent.runtime_disconnected': 'Its runtime is gone.',
  'agent.signal_sent': 'Its runtime was sent a message, or an order again that it has not obeyed.',
  'agent.signal_acknowledged': 'Its runtime acknowledged a signal.',
  'agent.signal_overdue':
    'A runtime that is connected, or fetched it over HTTP, has not acknowledged a control signal for 30 s.',
  'agent.request_opened': 'It asks people; with `request`.',
  'agent.request_ended': 'A request was answered, withdrawn or cancelled, or expired; with `request`.',
  'project.hold_placed': 'A hold was placed; with `hold`, whose `affected_count` is 0 by then.',
  'project.hold_released': 'A hold was released, or its time is up; with `hold`.',
  'project.budget_warning': 'A budget has reached a fraction of its limit; with `budget` and `fraction`.',
  'project.budget_exceeded': 'A budget has reached its limit; with `budget`.',
} as const satisfies Record<EventName, string>

/** The event object of every reader of the log: watchers, event streams, webhooks, `GET /events`. */
export const eventFrame = frame(
  'event',
  'One change of one agent, with the agent as it is after the change; or of the project itself. Events are numbered without gaps.',
  {
    project_id: uuid,
    seq: field(count, '1, 2, 3 … in each project, in commit order'),
    epoch: field(wholeNumber(1), 'The history that `seq` counts; a restored backup begins another'),
    name: field(v.picklist(eventNames), 'What happened'),
    at: field(isoTime, 'When it was committed; never earlier than the event before it'),
    actor: field(actor, 'Who caused it'),
    agent: field(
      v.nullable(agentSummary),
      'As it is after the change; null in an event of the project itself',
    ),
    from: v.optional(field(v.picklist(agentStatuses), 'The status before, if it changed')),
    to: v.optional(field(v.picklist(agentStatuses), 'The status after, if it changed')),
    signal: v.optional(
      field(signal, 'The signal that this event issues, or that it reports as acknowledged'),
    ),
    request: v.optional(requestSummary),
    hold: v.optional(hold),
    budget: v.optional(budget),
    fraction: v.optional(field(v.number(), 'The part of its limit that the budget has reached')),
  },
  examples.event,
)

/** What has a type of its own is called by its name, so that programs see that. */
type Parts = {
  signal?: Signal | undefined
  request?: RequestSummary | undefined
  hold?: Hold | undefined
  budget?: ProjectBudget | undefined
}
type Frame = Omit<v.InferOutput<typeof eventFrame>, 'agent' | keyof Parts> & Parts
/** An event of an agent. */
export type AgentEventFrame = Frame & { agent: AgentSummary }
/** An event, which has an agent unless it is one of the project itself. */
export type EventFrame = AgentEventFrame | (Frame & { agent: null })

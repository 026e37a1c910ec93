import type { AgentSummary } from '#src/domain/agent.ts'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import type { AgentEventFrame, EventFrame } from '#src/protocol/messages/event.ts'
import { useAppState } from '../app-state-context.ts'
import { acknowledgedMessage, failedIn, reasonOf, sayEvent, severityOf } from '../model/events.ts'
import { useFailure } from '../model/failures.ts'
import { formatFullTime, formatTime } from '../model/format.ts'
import { links } from '../model/links.ts'
import { type ShownStatus, shownStatus } from '../model/progress.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { Lamp } from '../parts/marks.tsx'

type Props = {
  live: ProjectLive
  events: readonly EventFrame[]
  isOfOneAgent?: boolean
  /** The agent before an event, where the page's own history does not know it. */
  before?: (event: EventFrame) => AgentSummary | undefined
  /** Where the time of an event leads. */
  linkOf?: (event: EventFrame) => string
  /** The number of the event that is open. */
  current?: number | undefined
}

/** Events in words, newest first. */
export function EventList({ live, events, isOfOneAgent = false, before, linkOf, current }: Props) {
  return (
    <ol class={isOfOneAgent ? 'events events-one' : 'events'}>
      {events.map((event) => (
        <Item
          key={event.seq}
          event={event}
          before={before ? before(event) : live.history.before(event)}
          isOfOneAgent={isOfOneAgent}
          link={linkOf?.(event)}
          isCurrent={event.seq === current}
        />
      ))}
    </ol>
  )
}

type ItemProps = {
  event: EventFrame
  before: AgentSummary | undefined
  isOfOneAgent: boolean
  link: string | undefined
  isCurrent: boolean
}

function Item({ event, before, isOfOneAgent, link, isCurrent }: ItemProps) {
  const app = useAppState()
  const reason = reasonOf(event)
  // In a list of many agents, each row would ask the server.
  const message = isOfOneAgent ? acknowledgedMessage(event) : undefined
  const detail = useFailure(app.api, failedIn(event) ?? message)
  const severity = message && detail ? 'alarming' : severityOf(event)
  const classes = ['event', severity && `event-${severity}`, link !== undefined && 'event-opens']
  const said = message && detail ? 'message failed' : sayEvent(event, app.names(event.project_id), before)
  const words = said + (detail ? `: ${detail}` : '')
  return (
    <li class={classes.filter(Boolean).join(' ')} aria-current={isCurrent ? 'true' : undefined}>
      <Time at={event.at} link={link} />
      {event.agent ? <Lamp status={lampAfter(event.agent)} /> : <span />}
      {!isOfOneAgent && <Subject event={event} />}
      <span class="event-text" title={words}>
        {words}
        {reason && <q>{reason}</q>}
      </span>
      <span class="event-actor">{app.permissions.nameOf(event.actor)}</span>
    </li>
  )
}

function Time({ at, link }: { at: string; link: string | undefined }) {
  const time = (
    <time dateTime={at} title={formatFullTime(at)}>
      {formatTime(at)}
    </time>
  )
  return link === undefined ? (
    time
  ) : (
    <a class="event-link" href={link}>
      {time}
    </a>
  )
}

function Subject({ event: { project_id, agent } }: { event: EventFrame }) {
  return agent ? <a href={links.agent(project_id, agent.id)}>{agent.name}</a> : <span>Project</span>
}

/** What the event left the agent in; a newer server may have more statuses. */
function lampAfter(agent: AgentEventFrame['agent']): ShownStatus {
  return agentStatuses.includes(agent.status) ? shownStatus(agent) : 'idle'
}

import { type AgentStatus, agentStatuses } from '#src/domain/lifecycle.ts'
import type { EventFrame } from '#src/protocol/frames.ts'
import { kindOf, reasonOf, sayEvent } from '../model/events.ts'
import { formatFullTime, formatTime } from '../model/format.ts'
import { links } from '../model/route.ts'
import { Lamp } from '../parts/marks.tsx'
import { useWorld } from '../world-context.ts'

type Props = { events: readonly EventFrame[]; isOfOneAgent?: boolean }

/** Events in words, newest first. */
export function EventList({ events, isOfOneAgent = false }: Props) {
  return (
    <ol class={isOfOneAgent ? 'events events-one' : 'events'}>
      {events.map((event) => (
        <Item key={event.seq} event={event} isOfOneAgent={isOfOneAgent} />
      ))}
    </ol>
  )
}

function Item({ event, isOfOneAgent }: { event: EventFrame; isOfOneAgent: boolean }) {
  const { standings } = useWorld()
  const reason = reasonOf(event)
  return (
    <li class={`event event-${kindOf(event)}`}>
      <time dateTime={event.at} title={formatFullTime(event.at)}>
        {formatTime(event.at)}
      </time>
      <Lamp status={statusAfter(event)} />
      {!isOfOneAgent && <a href={links.agent(event.project_id, event.agent.id)}>{event.agent.name}</a>}
      <span class="event-text" title={sayEvent(event)}>
        {sayEvent(event)}
        {reason && <q>{reason}</q>}
      </span>
      <span class="event-actor">{standings.nameOf(event.actor)}</span>
    </li>
  )
}

function statusAfter({ agent }: EventFrame): AgentStatus {
  return agentStatuses.find((status) => status === agent.status) ?? 'idle'
}

import { useComputed } from '@preact/signals'
import { useEffect, useLayoutEffect, useMemo, useState } from 'preact/hooks'
import type { Project } from '#src/client/rest/rest.ts'
import { possibleOrders } from '#src/dashboard/model/reach.ts'
import { actionRow } from '#src/domain/actions.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { AgentEventFrame } from '#src/protocol/messages/event.ts'
import { useAppState } from '../app-state-context.ts'
import { AgentEvents } from '../model/agent-events.ts'
import { concernOf, sayConcern } from '../model/attention.ts'
import { blockOf, liftingOf, sayBlock } from '../model/blocks.ts'
import { sayWhyStopped } from '../model/causes.ts'
import { now } from '../model/clock.ts'
import { failedCommand, useFailure } from '../model/failures.ts'
import { noteVisit } from '../model/fleet-list.ts'
import { capital, formatTime } from '../model/format.ts'
import { links } from '../model/links.ts'
import { useLoaded, useSettled } from '../model/loaded.ts'
import { hasEndedItself } from '../model/progress.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { Icon } from '../parts/icons.tsx'
import { Json } from '../parts/json.tsx'
import { Order, Status } from '../parts/marks.tsx'
import { State } from '../parts/states.tsx'
import { AgentChildren } from './agent-children.tsx'
import { AgentCurves } from './agent-curves.tsx'
import { AgentDetails } from './agent-details.tsx'
import { AgentEdit } from './agent-edit.tsx'
import { AgentLabels } from './agent-labels.tsx'
import { AgentMessage } from './agent-message.tsx'
import { AgentRequests } from './agent-requests.tsx'
import { AgentSignals, useSignals } from './agent-signals.tsx'
import { AgentTokens } from './agent-tokens.tsx'
import { EventList } from './event-list.tsx'
import { startOrder } from './order-dialog.tsx'
import { isTyping } from './shortcuts.ts'

/** Events do not carry the memory: the page asks the server for it, at most this often. */
const MEMORY_EVERY_MS = 3_000
const SHOWN_EVENTS = 200

type Props = { project: Project; live: ProjectLive; agent_id: string }

/** Everything about one agent. */
export function AgentView({ project, live, agent_id }: Props) {
  const [isEditing, setEditing] = useState(false)
  useEffect(() => noteVisit(live, agent_id), [live, agent_id])
  // Only a change of this agent draws the page again, not every event of the project.
  const agent = useComputed(() => {
    void live.version.value
    return live.agents.get(agent_id)
  }).value
  if (!agent) {
    return (
      <State kind="problem" title="Agent not found">
        <a href={links.fleet(project.id)}>All agents</a>
      </State>
    )
  }
  return (
    <article class="agent" aria-label={agent.name}>
      <AgentHead project={project} live={live} agent={agent} onEdit={() => setEditing(true)} />
      {isEditing && <AgentEdit project={project} agent={agent} onClose={() => setEditing(false)} />}
      {agent.open_requests > 0 && <AgentRequests agent={agent} />}
      <Columns project={project} live={live} agent={agent} />
    </article>
  )
}

function Columns({ project, live, agent }: Omit<HeadProps, 'onEdit'>) {
  const { permissions } = useAppState()
  const signals = useSignals(live, agent)
  const events = useAgentEvents(live, agent.id)
  const own = events.all
  return (
    <div class="agent-columns">
      <div class="agent-side">
        <AgentDetails live={live} agent={agent} />
        <AgentLabels agent={agent} mayEdit={permissions.may(project, 'update_agent')} />
        <AgentChildren live={live} agent={agent} />
        {agent.status !== 'terminated' && permissions.may(project, 'send_signal') && (
          <AgentMessage agent={agent} signals={signals.value ?? []} />
        )}
        <AgentTokens project={project} agent={agent} />
      </div>
      <div class="agent-main">
        {agent.open_requests === 0 && <AgentRequests agent={agent} />}
        <AgentCurves events={own} agent={agent} />
        <Memory project={project} agent={agent} />
        <AgentSignals agent={agent} signals={signals} />
        <Timeline live={live} agent={agent} events={events} own={own} />
      </div>
    </div>
  )
}

type HeadProps = { project: Project; live: ProjectLive; agent: AgentSummary; onEdit: () => void }

function AgentHead({ project, live, agent, onEdit }: HeadProps) {
  const app = useAppState()
  void live.stopsVersion.value
  const block = blockOf(agent, live)
  const mayLift = block?.kind !== 'budget' || app.permissions.may(project, 'manage_budgets')
  const why = sayWhyStopped(agent, app.names(project.id))
  return (
    <header class="agent-head">
      <a class="back" href={links.fleet(project.id)}>
        <Icon name="back" />
        Fleet
      </a>
      <h2>{agent.name}</h2>
      <span class="agent-status">
        <Status agent={agent} /> {why && <span class="faint">{why}</span>}
      </span>
      {agent.control && !hasEndedItself(agent) && (
        <span class="agent-order">
          <Order agent={agent} />
        </span>
      )}
      {app.permissions.may(project, 'control_agent') && (
        <div class="agent-actions">
          <ActionKeys agent={agent} />
          {agent.status !== 'terminated' && (
            <button type="button" onClick={onEdit}>
              Edit
            </button>
          )}
          {possibleOrders(agent).map(({ action, isAgain }) => (
            <button
              key={action}
              type="button"
              class={actionRow(action).is_final ? 'danger' : ''}
              onClick={() => startOrder(action, [agent], isAgain)}
            >
              <Icon name={isAgain ? 'again' : action} />
              {action === 'resume' && block && mayLift ? liftingOf(block) : actionRow(action).verb}
              {isAgain && ' again'}
            </button>
          ))}
        </div>
      )}
      <Concern agent={agent} />
      {sayBlock(block, live) && (
        <p class="agent-block">
          <Icon name="hold" />
          {capital(sayBlock(block, live) ?? '')}
        </p>
      )}
    </header>
  )
}

/** The keys of the actions, anywhere on the page. They work as soon as it shows. */
function ActionKeys({ agent }: { agent: AgentSummary }) {
  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const { key, target } = event
      if (event.ctrlKey || event.altKey || event.metaKey || isTyping(target)) return
      const found = possibleOrders(agent).find(({ action }) => actionRow(action).key === key)
      if (!found) return
      event.preventDefault()
      startOrder(found.action, [agent], found.isAgain)
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [agent])
  return null
}

/** Why the agent needs attention, in full. */
function Concern({ agent }: { agent: AgentSummary }) {
  const app = useAppState()
  const failed = failedCommand(agent)
  const detail = useFailure(app.api, failed)
  const asked = agent.open_requests > 0 ? app.inbox.byAgent.value.get(agent.id)?.[0] : undefined
  const concern = concernOf(agent, now.value, asked?.created_at)
  if (!concern) return null
  const words = sayConcern(concern, agent, now.value)
  return (
    <p class={`agent-concern concern-${concern.kind}`} role="status">
      {capital(words)}
      {concern.kind === 'failed' && detail && `: ${detail}`}
    </p>
  )
}

function Memory({ project, agent }: { project: Project; agent: AgentSummary }) {
  const { api } = useAppState()
  const seq = useSettled(agent.seq, MEMORY_EVERY_MS)
  const { value, problem } = useLoaded(`${agent.id} ${seq}`, () => api.agents.get(project.id, agent.id))
  return (
    <section class="panel" aria-label="Memory">
      <header class="panel-head">
        <h3>Short-term memory</h3>
        {agent.long_term_memory_ref && <code>{agent.long_term_memory_ref}</code>}
      </header>
      {problem && <p class="faint none">{problem}</p>}
      {value && (
        <div class="memory">
          <Json value={value.short_term_memory} />
        </div>
      )}
    </section>
  )
}

/** A log that has begun again is read again. */
function useAgentEvents(live: ProjectLive, agent_id: string): AgentEvents {
  const { api } = useAppState()
  const events = useMemo(() => new AgentEvents(api, live, agent_id), [api, live, agent_id, live.epoch])
  useEffect(() => () => events.close(), [events])
  return events
}

type TimelineProps = {
  live: ProjectLive
  agent: AgentSummary
  events: AgentEvents
  own: readonly AgentEventFrame[]
}

function Timeline({ live, agent, events, own }: TimelineProps) {
  const shown = own.slice(-SHOWN_EVENTS)
  const [first] = shown
  const { isRead, problem } = events
  return (
    <section class="panel" aria-label="Timeline">
      <header class="panel-head">
        <h3>Timeline</h3>
        <a href={links.log(agent.project_id, { agent: agent.id })}>All events</a>
        {first && first.name !== 'agent.spawned' && <span class="faint">Since {formatTime(first.at)}</span>}
      </header>
      {problem !== undefined && (
        <p class="form-problem none" role="alert">
          {problem}{' '}
          <button type="button" onClick={() => void events.read()}>
            Try again
          </button>
        </p>
      )}
      {!isRead && problem === undefined && <p class="faint none">Reading the log</p>}
      {isRead && !first && <p class="faint none">The log has no event of this agent any more</p>}
      <EventList live={live} events={shown.toReversed()} before={events.before} isOfOneAgent />
    </section>
  )
}

import { useComputed } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Project } from '#src/client/rest.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { useLoaded, useSettled } from '../model/loaded.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { links } from '../model/route.ts'
import { possible } from '../model/steering.ts'
import { Icon } from '../parts/icons.tsx'
import { Json } from '../parts/json.tsx'
import { Order, Status } from '../parts/marks.tsx'
import { State } from '../parts/states.tsx'
import { useWorld } from '../world-context.ts'
import { AgentCurves } from './agent-curves.tsx'
import { AgentDetails } from './agent-details.tsx'
import { AgentMessage } from './agent-message.tsx'
import { AgentSignals } from './agent-signals.tsx'
import { EventList } from './event-list.tsx'
import { dropOrder, OrderDialog, startOrder } from './order-dialog.tsx'

/** The memory is not in the events: it is asked for, at most so often. */
const MEMORY_EVERY_MS = 3_000
const SHOWN_EVENTS = 200

type Props = { project: Project; live: ProjectLive; agent_id: string }

/** Everything about one agent. */
export function AgentView({ project, live, agent_id }: Props) {
  const { api, standings } = useWorld()
  useEffect(() => void live.recall(api), [live, api])
  useEffect(() => dropOrder, [])
  // Of all that happens in the project, only what changes this agent draws the page anew.
  const agent = useComputed(() => {
    void live.version.value
    return live.agents.get(agent_id)
  }).value
  if (!agent) {
    return (
      <State kind="problem" title="There is no such agent in this project">
        <a href={links.fleet(project.id)}>All agents</a>
      </State>
    )
  }
  return (
    <article class="agent" aria-label={agent.name}>
      <AgentHead project={project} agent={agent} />
      <div class="agent-columns">
        <div class="agent-side">
          <AgentDetails agent={agent} />
          {standings.may(project, 'send_signal') && <AgentMessage agent={agent} />}
        </div>
        <div class="agent-main">
          <AgentCurves live={live} agent={agent} />
          <Memory project={project} agent={agent} />
          <AgentSignals agent={agent} />
          <Timeline live={live} agent={agent} />
        </div>
      </div>
      <OrderDialog project={project} />
    </article>
  )
}

function AgentHead({ project, agent }: { project: Project; agent: AgentSummary }) {
  const { standings } = useWorld()
  const can = possible(agent)
  const actions = (['pause', 'resume', 'terminate'] as const).filter((action) => can[action])
  return (
    <header class="agent-head">
      <a class="back" href={links.fleet(project.id)}>
        <Icon name="back" />
        Fleet
      </a>
      <h2>{agent.name}</h2>
      <Status status={agent.status} />
      {agent.control && (
        <span class="agent-order">
          <Order agent={agent} />
        </span>
      )}
      {standings.may(project, 'control_agent') && (
        <div class="agent-actions">
          {actions.map((action) => (
            <button
              key={action}
              type="button"
              class={action === 'terminate' ? 'danger' : ''}
              onClick={() => startOrder(action, [agent])}
            >
              <Icon name={action} />
              {action}
            </button>
          ))}
        </div>
      )}
    </header>
  )
}

function Memory({ project, agent }: { project: Project; agent: AgentSummary }) {
  const { api } = useWorld()
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

function Timeline({ live, agent }: { live: ProjectLive; agent: AgentSummary }) {
  void live.recalled.value
  const events = live.history.events.filter((event) => event.agent.id === agent.id)
  const isWhole = events[0]?.name === 'agent.spawned'
  return (
    <section class="panel" aria-label="Timeline">
      <header class="panel-head">
        <h3>Timeline</h3>
        {!isWhole && <span class="faint">what the last hour of the project's log holds</span>}
      </header>
      {events.length === 0 && <p class="faint none">Nothing lately</p>}
      <EventList events={events.slice(-SHOWN_EVENTS).toReversed()} isOfOneAgent />
    </section>
  )
}

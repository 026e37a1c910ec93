import { useRef, useState } from 'preact/hooks'
import type { AgentSummary } from '#src/domain/agent.ts'
import { findArrival, findHolder } from '../model/arrivals.ts'
import { links } from '../model/links.ts'
import { shownStatus } from '../model/progress.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { Lamp, Status } from '../parts/marks.tsx'

type Awaited = {
  /** The agent whose program has come since the page was opened. */
  arrived: AgentSummary | undefined
  /** The agent that had the id before: a program with it runs that one. */
  holder: AgentSummary | undefined
}

/** Waits for the agent of an id, from now on. */
export function useAwaited(live: ProjectLive, external_id: string): Awaited {
  void live.version.value
  const [before] = useState(() => new Map(live.agents))
  /** By `external_id`: an agent that has come stays here when it goes. */
  const seen = useRef(new Map<string, string>())
  const found = findArrival(live.agents, before, external_id)
  if (found) seen.current.set(external_id, found.id)
  const arrived = found ?? live.agents.get(seen.current.get(external_id) ?? '')
  const holder = arrived ? undefined : findHolder(live.agents, external_id)
  return { arrived, holder: holder && before.has(holder.id) ? holder : undefined }
}

/** Says that a program with this name would be no new agent. */
export function TakenName({ holder }: { holder: AgentSummary }) {
  return (
    <p class="caution" role="status">
      {holder.runtime.connected
        ? `${holder.name} runs with the id ${holder.external_id}. This program takes it over, and the one that runs it now ends.`
        : `${holder.name} has the id ${holder.external_id}. This program runs that agent.`}{' '}
      For a new agent, enter another name.
    </p>
  )
}

type Props = { project_id: string; found: AgentSummary | undefined; isReady: boolean }

/** The agent that is waited for, with its lamp. */
export function Arrival({ project_id, found, isReady }: Props) {
  return (
    <div class={`arrival ${found ? 'arrival-lit' : ''}`}>
      <div role="status">{found ? <Here agent={found} /> : <NotYet isReady={isReady} />}</div>
      {found && (
        <p class="state-actions">
          <a class="button" href={links.agent(project_id, found.id)}>
            Open {found.name}
          </a>
          <a class="button" href={links.fleet(project_id)}>
            Go to the fleet
          </a>
        </p>
      )}
    </div>
  )
}

function NotYet({ isReady }: { isReady: boolean }) {
  return (
    <>
      <Lamp status="idle" />
      <h4>{isReady ? 'Waiting for your agent' : 'Your agent'}</h4>
      <p class="faint">Its state shows here as soon as its program {isReady ? 'calls' : 'runs'}.</p>
    </>
  )
}

function Here({ agent }: { agent: AgentSummary }) {
  return (
    <>
      <Lamp status={shownStatus(agent)} />
      <h4>{agent.name} is connected</h4>
      <p>
        <Status agent={agent} /> {agent.current_task && <span class="faint">{agent.current_task}</span>}
      </p>
    </>
  )
}

import { useEffect, useState } from 'preact/hooks'
import type { AgentSummary } from '#src/domain/agent.ts'
import { findArrival, noteMoment } from '../model/arrivals.ts'
import { links } from '../model/links.ts'
import { shownStatus } from '../model/progress.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { Lamp, Status } from '../parts/marks.tsx'

/** The first agent that shows a sign of life from now on. */
export function useArrival(live: ProjectLive, external_id: string): AgentSummary | undefined {
  void live.version.value
  const [moment] = useState(() => noteMoment(live.agents, live.seq))
  const [arrived, setArrived] = useState<string>()
  const found = (arrived && live.agents.get(arrived)) || findArrival(live.agents, moment, external_id)
  const id = found?.id
  useEffect(() => setArrived(id), [id])
  return found
}

type Props = { project_id: string; found: AgentSummary | undefined; isReady: boolean }

/** The lamp of the agent that is waited for. */
export function Arrival({ project_id, found, isReady }: Props) {
  return (
    <li class={`panel step arrival ${found ? 'arrival-lit' : isReady ? 'step-now' : 'step-later'}`}>
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
    </li>
  )
}

function NotYet({ isReady }: { isReady: boolean }) {
  return (
    <>
      <Lamp status="idle" />
      <h3>{isReady ? 'Waiting for your agent' : 'The first lamp'}</h3>
      <p class="faint">
        {isReady ? 'Its lamp lights up here as soon as it calls.' : 'It lights up once an agent runs.'}
      </p>
    </>
  )
}

function Here({ agent }: { agent: AgentSummary }) {
  return (
    <>
      <Lamp status={shownStatus(agent)} />
      <h3>{agent.name} is connected</h3>
      <p>
        <Status agent={agent} /> {agent.current_task && <span class="faint">{agent.current_task}</span>}
      </p>
    </>
  )
}

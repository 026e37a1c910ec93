import type { AgentSummary } from '#src/domain/agent.ts'
import { useAppState } from '../app-state-context.ts'
import { plural } from '../model/format.ts'
import { links } from '../model/links.ts'
import { sayReason } from '../model/requests.ts'
import { Ago, Until } from '../parts/marks.tsx'

const SHOWN = 5

/** What the agent waits for people to answer. */
export function AgentRequests({ agent }: { agent: AgentSummary }) {
  const { inbox } = useAppState()
  const { id, project_id, open_requests } = agent
  const open = inbox.byAgent.value.get(id) ?? []
  const ended = { project: project_id, agent: id, state: 'all' }
  return (
    <section class="panel" aria-label="Requests">
      <header class="panel-head">
        <h3>{open_requests > 0 ? `Waits for ${plural(open_requests, 'answer')}` : 'Requests'}</h3>
        <a href={links.requests(ended)}>All its requests</a>
      </header>
      {open_requests === 0 && <p class="faint none">No requests</p>}
      <ul>
        {open.slice(0, SHOWN).map((request) => (
          <li key={request.id} class="asked">
            <a href={links.request(project_id, request.id)} title={request.message}>
              {request.message}
            </a>
            <span class="faint">
              {sayReason(request.reason)}, <Ago time={request.created_at} /> ago
            </span>
            {request.expires_at && <Until time={request.expires_at} />}
          </li>
        ))}
      </ul>
      {open_requests > SHOWN && (
        <p class="panel-foot">
          <a href={links.requests({ agent: id })}>Show all {open_requests}</a>
        </p>
      )}
    </section>
  )
}

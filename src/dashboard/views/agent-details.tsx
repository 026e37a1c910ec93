import type { ComponentChildren } from 'preact'
import type { AgentSummary } from '#src/domain/agent.ts'
import { useAppState } from '../app-state-context.ts'
import { ratio } from '../model/budget-use.ts'
import { sayCauseAndActor, sayGivenReason } from '../model/causes.ts'
import { formatCount, formatExactMoney, formatFullTime } from '../model/format.ts'
import { links } from '../model/links.ts'
import { hasEndedItself, isStopping } from '../model/progress.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { Copyable } from '../parts/copyable.tsx'
import { Ago, Budget, Runtime } from '../parts/marks.tsx'

export function AgentDetails({ live, agent }: { live: ProjectLive; agent: AgentSummary }) {
  const { token_limit, cost_limit, cost_incurred, tokens_used, parent_id } = agent
  const { capabilities, client } = agent.runtime
  const hasGone = agent.status === 'terminated' && !agent.runtime.connected
  return (
    <section class="panel" aria-label="Details">
      <dl class="details">
        <Detail name="Type">{agent.agent_type_name}</Detail>
        {parent_id !== null && (
          <Detail name="Parent">
            <a href={links.agent(agent.project_id, parent_id)}>{live.nameOf(parent_id)}</a>
          </Detail>
        )}
        <Detail name="Task">{agent.current_task ?? <span class="faint">none</span>}</Detail>
        <Detail name="Runtime">
          <Runtime agent={agent} />{' '}
          {agent.runtime.since && (
            <span class="faint">
              {!hasGone && 'for '}
              <Ago time={agent.runtime.since} />
              {hasGone && ' ago'}
            </span>
          )}
        </Detail>
        {client && <Detail name="Client">{client}</Detail>}
        {capabilities.length > 0 && <Detail name="Capabilities">{capabilities.join(', ')}</Detail>}
        <Detail name="Tokens">
          <Budget
            used={token_limit === null ? 0 : ratio(tokens_used, token_limit)}
            text={`${formatCount(tokens_used)}${token_limit === null ? '' : ` of ${formatCount(token_limit)}`}`}
            limit={token_limit === null ? undefined : formatCount(token_limit)}
          />
        </Detail>
        <Detail name="Cost">
          <Budget
            used={cost_limit === null ? 0 : ratio(Number(cost_incurred), Number(cost_limit))}
            text={`${formatExactMoney(Number(cost_incurred))}${cost_limit === null ? '' : ` of ${formatExactMoney(Number(cost_limit))}`}`}
            limit={cost_limit === null ? undefined : formatExactMoney(Number(cost_limit))}
          />
        </Detail>
        <Detail name="Tasks completed">{formatCount(agent.tasks_completed)}</Detail>
        {agent.assigned_issues_count > 0 && (
          <Detail name="Issues">{formatCount(agent.assigned_issues_count)}</Detail>
        )}
        <Detail name="Last active">
          <Ago time={agent.last_activity_at} otherwise="not yet" />{' '}
          {agent.last_activity_at && <span class="faint">ago</span>}
        </Detail>
        <LastCommand agent={agent} />
        {agent.session_id && (
          <Detail name="Session">
            <code>{agent.session_id}</code>
          </Detail>
        )}
        <Detail name="Spawned">{formatFullTime(agent.created_at)}</Detail>
        {agent.terminated_at && <Detail name={sayEnd(agent)}>{formatFullTime(agent.terminated_at)}</Detail>}
        {agent.external_id !== null && (
          <Detail name="External ID">
            <Copyable name="external ID" text={agent.external_id} />
          </Detail>
        )}
        <Detail name="ID">
          <Copyable name="ID" text={agent.id} />
        </Detail>
      </dl>
    </section>
  )
}

function LastCommand({ agent }: { agent: AgentSummary }) {
  const app = useAppState()
  const { control } = agent
  if (!control || hasEndedItself(agent)) return null
  const why = sayCauseAndActor({ ...agent, control }, app.names(agent.project_id))
  return (
    <Detail name="Last command">
      {control.kind}
      {control.mode && ` (${control.mode})`} {why}, {formatFullTime(control.requested_at)}
      {control.reason && <q>{sayGivenReason(control.reason)}</q>}
    </Detail>
  )
}

function Detail({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

/** What the time of its end is called. */
function sayEnd(agent: AgentSummary): string {
  if (hasEndedItself(agent)) return 'Ended'
  return isStopping(agent) ? 'Terminate sent' : 'Terminated'
}

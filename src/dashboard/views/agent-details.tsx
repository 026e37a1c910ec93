import type { ComponentChildren } from 'preact'
import type { AgentSummary } from '#src/domain/agent.ts'
import { ratio } from '../model/arrange.ts'
import { formatCount, formatExactMoney, formatFullTime } from '../model/format.ts'
import { Ago, Budget, Runtime } from '../parts/marks.tsx'
import { useWorld } from '../world-context.ts'

export function AgentDetails({ agent }: { agent: AgentSummary }) {
  const { token_limit, cost_limit, cost_incurred, tokens_used } = agent
  return (
    <section class="panel" aria-label="Details">
      <dl class="details">
        <Detail name="Type">{agent.agent_type_name}</Detail>
        <Detail name="Task">{agent.current_task ?? <span class="faint">none</span>}</Detail>
        <Detail name="Runtime">
          <Runtime agent={agent} />{' '}
          {agent.runtime.since && (
            <span class="faint">
              for <Ago time={agent.runtime.since} />
            </span>
          )}
        </Detail>
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
        <Detail name="Tasks done">{formatCount(agent.tasks_completed)}</Detail>
        <Detail name="Issues">{formatCount(agent.assigned_issues_count)}</Detail>
        <Detail name="Active">
          <Ago time={agent.last_activity_at} /> {agent.last_activity_at && <span class="faint">ago</span>}
        </Detail>
        <LastOrder agent={agent} />
        <Detail name="Session">
          {agent.session_id ? <code>{agent.session_id}</code> : <span class="faint">none</span>}
        </Detail>
        <Detail name="Spawned">{formatFullTime(agent.created_at)}</Detail>
        {agent.terminated_at && <Detail name="Terminated">{formatFullTime(agent.terminated_at)}</Detail>}
        <Detail name="Id">
          <code>{agent.id}</code>
        </Detail>
      </dl>
    </section>
  )
}

function LastOrder({ agent: { control } }: { agent: AgentSummary }) {
  const { standings } = useWorld()
  if (!control) return null
  return (
    <Detail name="Last order">
      {control.kind} by {standings.nameOf(control.requested_by)}, {formatFullTime(control.requested_at)}
      {control.reason && <q>{control.reason}</q>}
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

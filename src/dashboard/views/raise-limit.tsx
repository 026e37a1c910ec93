import type { Budget, Project } from '#src/client/rest/rest.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { exceededLimit } from '#src/domain/budget.ts'
import { useAppState } from '../app-state-context.ts'
import { isStopping, readLimit, sayAmount, suggestLimit } from '../model/budget-words.ts'
import { links } from '../model/links.ts'
import { useLoaded } from '../model/loaded.ts'
import { say } from '../model/notices.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { sayScope } from '../model/scopes.ts'
import { BudgetBar } from '../parts/budget-bar.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Form, typed } from '../parts/fields.tsx'
import { State } from '../parts/states.tsx'

type Props = { project: Project; live: ProjectLive; onClose: () => void }

const SUBMIT = 'Raise limit and resume'

/** A higher limit ends the stop: the server resumes what the budget has stopped. */
export function RaiseBudget({ project, live, budget_id, onClose }: Props & { budget_id: string }) {
  const { api, permissions } = useAppState()
  const { value, problem } = useLoaded(budget_id, () => api.budgets.get(project.id, budget_id))
  const raise = (budget: Budget) => async (fields: FormData) => {
    const limit = readLimit(budget.metric, typed(fields, 'limit') ?? '')
    if (Number(limit) <= Number(budget.spent)) {
      throw new RangeError(`Enter more than what is spent, ${sayAmount(budget.metric, budget.spent)}`)
    }
    const changed = await api.budgets.update(project.id, budget.id, { limit })
    const amount = sayAmount(changed.metric, changed.limit)
    say('sent', `Limit of ${changed.name} raised to ${amount}. The agents that it stopped resume.`)
    onClose()
  }
  const title = value ? `Budget ${value.name} is used up` : 'A budget is used up'
  return (
    <Dialog title={title} onClose={onClose}>
      {!value && problem === undefined && <State kind="loading" title="Loading the budget" />}
      {problem !== undefined && <p class="dialog-body">{problem}</p>}
      {value && !permissions.may(project, 'manage_budgets') && (
        <div class="dialog-body">
          <BudgetBar budget={value} />
          <p>It stops {sayScope(live, value)}. Ask the owner of the project to raise its limit.</p>
        </div>
      )}
      {value && permissions.may(project, 'manage_budgets') && (
        <Form submit={SUBMIT} onCancel={onClose} onSubmit={raise(value)}>
          <BudgetBar budget={value} />
          <p>
            {isStopping(value)
              ? `Resumes ${sayScope(live, value)}, as far as the budget has stopped them.`
              : 'It stops no agents any more.'}
          </p>
          <Field
            label={value.metric === 'cost' ? 'New limit in $' : 'New limit in tokens'}
            name="limit"
            value={suggestLimit(value.metric, value)}
            inputMode={value.metric === 'cost' ? 'decimal' : 'numeric'}
            isRequired
          />
        </Form>
      )}
    </Dialog>
  )
}

/** The limits of the agent itself that it has reached; both changes are one step for the operator. */
export function RaiseOwnLimits({ project, agent, onClose }: Props & { agent: AgentSummary }) {
  const { api } = useAppState()
  const { tokens_used, token_limit, cost_incurred, cost_limit } = agent
  const isOver = (own: Partial<AgentSummary>) =>
    exceededLimit({ tokens_used, cost_incurred, token_limit: null, cost_limit: null, ...own }) !== undefined
  const raise = async (fields: FormData) => {
    const tokens = typed(fields, 'token_limit')
    const cost = typed(fields, 'cost_limit')
    const limits = {
      ...(tokens !== undefined && { token_limit: Number(readLimit('tokens', tokens)) }),
      ...(cost !== undefined && { cost_limit: String(readLimit('cost', cost)) }),
    }
    const isTooLow =
      Number(limits.token_limit ?? Infinity) <= tokens_used ||
      Number(limits.cost_limit ?? Infinity) <= Number(cost_incurred)
    if (isTooLow) throw new RangeError('Enter more than what is used')
    await api.agents.update(project.id, agent.id, limits)
    await api.agents.resume(project.id, agent.id)
    const words = [
      limits.token_limit !== undefined && sayAmount('tokens', limits.token_limit),
      limits.cost_limit !== undefined && sayAmount('cost', limits.cost_limit),
    ]
    say(
      'sent',
      `Limit of ${agent.name} raised to ${words.filter(Boolean).join(' and ')}. Resume sent.`,
      links.agent(agent.project_id, agent.id),
    )
    onClose()
  }
  return (
    <Dialog title={`${agent.name} is over its limit`} onClose={onClose}>
      <Form submit={SUBMIT} onCancel={onClose} onSubmit={raise}>
        {token_limit !== null && isOver({ token_limit }) && (
          <Field
            label="New token limit"
            name="token_limit"
            hint={`${sayAmount('tokens', tokens_used)} used`}
            value={suggestLimit('tokens', { limit: token_limit, spent: tokens_used })}
            inputMode="numeric"
            isRequired
          />
        )}
        {cost_limit !== null && isOver({ cost_limit }) && (
          <Field
            label="New cost limit in $"
            name="cost_limit"
            hint={`${sayAmount('cost', cost_incurred)} used`}
            value={suggestLimit('cost', { limit: cost_limit, spent: cost_incurred })}
            inputMode="decimal"
            isRequired
          />
        )}
      </Form>
    </Dialog>
  )
}

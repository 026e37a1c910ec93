import type { Budget, Project } from '#src/client/rest/rest.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { exceededLimit } from '#src/domain/budget.ts'
import { useAppState } from '../app-state-context.ts'
import { parseTokens } from '../model/amounts.ts'
import { isStopping, readLimit, sayAmount, suggestLimit } from '../model/budget-words.ts'
import { plural } from '../model/format.ts'
import { isOverCost, isOverTokens, setLimits } from '../model/limits.ts'
import { links } from '../model/links.ts'
import { useLoaded } from '../model/loaded.ts'
import { say } from '../model/notices.ts'
import { order } from '../model/orders.ts'
import { atField, FieldError } from '../model/problems.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { sayScope } from '../model/scopes.ts'
import { BudgetBar } from '../parts/budget-bar.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Form, typed } from '../parts/fields.tsx'
import { State } from '../parts/states.tsx'
import { LimitUses } from './limit-uses.tsx'

type Props = { project: Project; live: ProjectLive; onClose: () => void }

const SUBMIT = 'Raise limit and resume'

/** A higher limit ends the stop: the server resumes what the budget has stopped. */
export function RaiseBudget({ project, live, budget_id, onClose }: Props & { budget_id: string }) {
  const { api, permissions } = useAppState()
  const { value, problem } = useLoaded(budget_id, () => api.budgets.get(project.id, budget_id))
  const raise = (budget: Budget) => async (fields: FormData) => {
    const limit = readLimit(budget.metric, typed(fields, 'limit') ?? '')
    if (Number(limit) <= Number(budget.spent)) {
      throw new FieldError(
        'limit',
        `Enter more than what is spent, ${sayAmount(budget.metric, budget.spent)}`,
      )
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

/** What the form raises: each limit of those that have reached it. */
function readRaise(fields: FormData, overTokens: readonly AgentSummary[], overCost: readonly AgentSummary[]) {
  const tokens = atField('token_limit', () => parseTokens(typed(fields, 'token_limit')))
  const cost = typed(fields, 'cost_limit')?.replace(/^\$\s*/, '')
  const [tokensUsed, costIncurred] = [mostTokens(overTokens), mostCost(overCost)]
  if (tokens !== undefined && tokens <= tokensUsed)
    throw new FieldError('token_limit', `Enter more than what is used, ${sayAmount('tokens', tokensUsed)}`)
  if (cost !== undefined && Number(cost) <= costIncurred)
    throw new FieldError(
      'cost_limit',
      `Enter more than what is used, ${sayAmount('cost', String(costIncurred))}`,
    )
  return { tokens, cost }
}

const mostTokens = (agents: readonly AgentSummary[]) => Math.max(...agents.map((agent) => agent.tokens_used))
const mostCost = (agents: readonly AgentSummary[]) =>
  Math.max(...agents.map(({ cost_incurred }) => Number(cost_incurred)))

type OwnProps = Props & { agents: readonly AgentSummary[] }

/** Raises the agents' own limits, where they have reached them, and resumes all of the agents: one step for the operator. */
export function RaiseOwnLimits({ project, agents, onClose }: OwnProps) {
  const app = useAppState()
  const [overTokens, overCost] = [agents.filter(isOverTokens), agents.filter(isOverCost)]
  const over = agents.filter((agent) => exceededLimit(agent))
  const others = agents.length - over.length
  const [first] = over
  const whom = over.length === 1 && first ? first.name : plural(over.length, 'agent')
  const raise = async (fields: FormData) => {
    const { tokens, cost } = readRaise(fields, overTokens, overCost)
    const refusal = await setLimits(app.api, over, (agent) => ({
      ...(tokens !== undefined && isOverTokens(agent) && { token_limit: tokens }),
      ...(cost !== undefined && isOverCost(agent) && { cost_limit: cost }),
    }))
    onClose()
    if (refusal) return say('partial', refusal)
    const limits = [
      tokens !== undefined && sayAmount('tokens', tokens),
      cost !== undefined && sayAmount('cost', cost),
    ]
    const words = `Limit of ${whom} raised to ${limits.filter(Boolean).join(' and ')}.`
    const ids = agents.map(({ id }) => id)
    const isSent = await order(app, { project_id: project.id, ids }, { action: 'resume' })
    // An order to several agents shows its own notice.
    const isOfOne = isSent && agents.length === 1
    const link = first && over.length === 1 ? links.agent(project.id, first.id) : undefined
    say('sent', isOfOne ? `${words} Resume sent.` : words, link)
  }
  return (
    <Dialog
      title={`${whom} ${over.length === 1 ? 'is over its limit' : 'are over their limits'}`}
      onClose={onClose}
    >
      <Form submit={SUBMIT} onCancel={onClose} onSubmit={raise}>
        {overTokens.length > 0 && (
          <Field
            label="New token limit"
            name="token_limit"
            value={suggestLimit('tokens', {
              limit: Math.max(...overTokens.map(({ token_limit }) => token_limit ?? 0)),
              spent: mostTokens(overTokens),
            })}
            inputMode="numeric"
            isRequired
          />
        )}
        {overCost.length > 0 && (
          <Field
            label="New cost limit in $"
            name="cost_limit"
            value={suggestLimit('cost', {
              limit: String(Math.max(...overCost.map(({ cost_limit }) => Number(cost_limit)))),
              spent: String(mostCost(overCost)),
            })}
            inputMode="decimal"
            isRequired
          />
        )}
        <LimitUses agents={over} />
        {others > 0 && <p>Also resumes the {plural(others, 'other agent')} of the selection.</p>}
      </Form>
    </Dialog>
  )
}

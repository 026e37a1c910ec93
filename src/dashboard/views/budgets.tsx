import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { type Budget, eachItem, type Project } from '#src/client/rest/rest.ts'
import { useAppState } from '../app-state-context.ts'
import { actionWords, isStopping, sayWindow } from '../model/budget-words.ts'
import { modeWords } from '../model/causes.ts'
import { now } from '../model/clock.ts'
import { capital, formatCountdown, formatFullTime, formatSpan } from '../model/format.ts'
import { startLifting } from '../model/lifting.ts'
import { useLoaded, useSettled } from '../model/loaded.ts'
import { say } from '../model/notices.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { sayScope } from '../model/scopes.ts'
import { BudgetBar } from '../parts/budget-bar.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Form } from '../parts/fields.tsx'
import { Icon } from '../parts/icons.tsx'
import { State } from '../parts/states.tsx'
import { BudgetDialog } from './budget-dialog.tsx'
import { BudgetWindows } from './budget-windows.tsx'

type Props = { project: Project; live: ProjectLive }
type Asked = { kind: 'new' } | { kind: 'edit' | 'delete' | 'windows'; budget: Budget }

/** Events say when a budget warns and is used up, not what is spent in between. */
const READ_EVERY_MS = 5_000
const URGENCY = { exceeded: 0, warned: 1, ok: 2 } as const

/** The budgets of a project, the most urgent first. */
export function BudgetsView({ project, live }: Props) {
  const { api, permissions } = useAppState()
  const mayManage = permissions.may(project, 'manage_budgets')
  const [asked, setAsked] = useState<Asked>()
  const changes = useSettled(live.version.value, READ_EVERY_MS)
  const { value, problem, reload } = useLoaded(`${project.id} ${changes} ${live.stopsVersion.value}`, () =>
    Array.fromAsync(eachItem((page) => api.budgets.list(project.id, page))),
  )
  useEffect(() => {
    const timer = setInterval(reload, READ_EVERY_MS * 6)
    return () => clearInterval(timer)
  }, [reload])
  const close = () => {
    setAsked(undefined)
    reload()
  }
  const budgets = value?.toSorted((left, right) => URGENCY[left.state] - URGENCY[right.state])
  return (
    <section class="overview" aria-label={`Budgets of ${project.name}`}>
      <header class="page-head">
        <h2>Budgets</h2>
        {mayManage && (
          <button type="button" class="main" onClick={() => setAsked({ kind: 'new' })}>
            <Icon name="plus" />
            New budget
          </button>
        )}
      </header>
      {!value && problem === undefined && <State kind="loading" title="Loading the budgets" />}
      {problem !== undefined && <State kind="problem" title={problem} />}
      {budgets?.length === 0 && (
        <State title="No budgets yet">
          <p>
            A budget limits what the project, some agents or one agent's tree may spend.
            {!mayManage && ' The owner of the project can create one.'}
          </p>
        </State>
      )}
      <ul class="budgets">
        {budgets?.map((budget) => (
          <BudgetCard key={budget.id} live={live} budget={budget} mayManage={mayManage} onAsk={setAsked} />
        ))}
      </ul>
      {asked?.kind === 'new' && <BudgetDialog project={project} live={live} onClose={close} />}
      {asked?.kind === 'edit' && (
        <BudgetDialog project={project} live={live} budget={asked.budget} onClose={close} />
      )}
      {asked?.kind === 'delete' && <DeleteBudget project={project} budget={asked.budget} onClose={close} />}
      {asked?.kind === 'windows' && (
        <BudgetWindows project={project} budget={asked.budget} onClose={() => setAsked(undefined)} />
      )}
    </section>
  )
}

type CardProps = {
  live: ProjectLive
  budget: Budget
  mayManage: boolean
  onAsk: (asked: Asked) => void
}

function BudgetCard({ live, budget, mayManage, onAsk }: CardProps) {
  const { id, name, action, mode, window } = budget
  return (
    <li class="panel budget-card" data-budget={id}>
      <header>
        <h3>{name}</h3>
        <span class="budget-actions">
          {mayManage && isStopping(budget) && (
            <button
              type="button"
              class="main"
              onClick={() => startLifting({ kind: 'budget', budget_id: id })}
            >
              <Icon name="resume" />
              Raise limit and resume
            </button>
          )}
          {window !== 'none' && (
            <button type="button" class="quiet" onClick={() => onAsk({ kind: 'windows', budget })}>
              Past windows<span class="hidden"> of {name}</span>
            </button>
          )}
          {mayManage && (
            <>
              <button type="button" class="quiet" onClick={() => onAsk({ kind: 'edit', budget })}>
                Edit<span class="hidden"> {name}</span>
              </button>
              <button type="button" class="quiet" onClick={() => onAsk({ kind: 'delete', budget })}>
                Delete<span class="hidden"> {name}</span>
              </button>
            </>
          )}
        </span>
      </header>
      <BudgetBar budget={budget} />
      <dl class="budget-facts">
        <Fact name="For">{capital(sayScope(live, budget))}</Fact>
        <Fact name="Window">
          {sayWindow(budget)}
          <Resets budget={budget} />
        </Fact>
        <Fact name="At the limit">
          {actionWords[action]}
          {action === 'hold' && mode !== 'checkpoint' && `: ${modeWords[mode]}`}
        </Fact>
      </dl>
    </li>
  )
}

const DAY_MS = 86_400_000

function Resets({ budget: { resets_at } }: { budget: Budget }) {
  if (resets_at === null) return null
  const left = Date.parse(resets_at) - now.value
  return (
    <time dateTime={resets_at} title={formatFullTime(resets_at)} class="faint">
      , resets in {left > DAY_MS ? formatSpan(left) : formatCountdown(left)}
    </time>
  )
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

type DeleteProps = { project: Project; budget: Budget; onClose: () => void }

function DeleteBudget({ project, budget, onClose }: DeleteProps) {
  const { api } = useAppState()
  const remove = async () => {
    await api.budgets.delete(project.id, budget.id)
    say('done', `Deleted the budget ${budget.name}`)
    onClose()
  }
  return (
    <Dialog title={`Delete the budget ${budget.name}`} onClose={onClose}>
      <Form submit="Delete" onCancel={onClose} onSubmit={remove}>
        <p>
          It counts no more, and its past windows are gone. This can't be undone.
          {isStopping(budget) && ' The agents that it has stopped resume.'}
        </p>
      </Form>
    </Dialog>
  )
}

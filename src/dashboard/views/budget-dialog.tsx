import { useState } from 'preact/hooks'
import type { Budget, CreateBudgetBody, Project } from '#src/client/rest/rest.ts'
import { actions, type Mode } from '#src/domain/actions.ts'
import { budgetActions, budgetWindows } from '#src/domain/project-budget.ts'
import { useAppState } from '../app-state-context.ts'
import { actionWords, readLimit, windowWords } from '../model/budget-words.ts'
import { modeWords } from '../model/causes.ts'
import { say } from '../model/notices.ts'
import { FieldError } from '../model/problems.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { zoneName } from '../model/zone.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Form, Labelled, typed } from '../parts/fields.tsx'
import { MatchFields, readMatch } from './match-fields.tsx'

type Props = { project: Project; live: ProjectLive; budget?: Budget; onClose: () => void }

const scopes = {
  all: 'All agents',
  some: 'Agents with labels or of a type',
  tree: 'One agent and its descendants',
}
type Scope = keyof typeof scopes
/** More names would make the page slow, and help no one to choose. */
const MAX_NAMES = 200

/** Creates a budget, or changes what can be changed of one. */
export function BudgetDialog({ project, live, budget, onClose }: Props) {
  const { api } = useAppState()
  const [metric, setMetric] = useState<Budget['metric']>(budget?.metric ?? 'cost')
  const [action, setAction] = useState<Budget['action']>(budget?.action ?? 'hold')
  const [scope, setScope] = useState<Scope>('all')
  const save = async (fields: FormData) => {
    const common = {
      name: typed(fields, 'name') ?? '',
      limit: readLimit(metric, typed(fields, 'limit') ?? ''),
      warn_at: readFractions(typed(fields, 'warn_at')),
      action,
      ...(action === 'hold' && { mode: fields.get('mode') as Budget['mode'] }),
    }
    const saved = budget
      ? await api.budgets.update(project.id, budget.id, common)
      : await api.budgets.create(project.id, { ...common, metric, ...readScope(live, scope, fields) })
    say('done', `Saved the budget ${saved.name}`)
    onClose()
  }
  return (
    <Dialog title={budget ? `Edit ${budget.name}` : `New budget in ${project.name}`} onClose={onClose}>
      <Form submit={budget ? 'Save' : 'Create'} onCancel={onClose} onSubmit={save}>
        <Field label="Name" name="name" value={budget?.name} isRequired />
        <div class="pair">
          {!budget && (
            <label>
              Counts
              <select
                value={metric}
                onChange={({ currentTarget }) => setMetric(currentTarget.value as Budget['metric'])}
              >
                <option value="cost">Cost</option>
                <option value="tokens">Tokens</option>
              </select>
            </label>
          )}
          <Field
            label={metric === 'cost' ? 'Limit in $' : 'Limit in tokens'}
            name="limit"
            hint={metric === 'cost' ? 'such as 50' : 'such as 2M'}
            value={budget && String(metric === 'cost' ? Number(budget.limit) : budget.limit)}
            isRequired
          />
        </div>
        {!budget && <WindowFields />}
        {!budget && <p class="faint">It counts from now on: what was spent before does not count.</p>}
        {!budget && <ScopeFields live={live} scope={scope} onScope={setScope} />}
        <Field
          label="Warn at %"
          name="warn_at"
          hint="up to five, empty: never"
          value={(budget?.warn_at ?? [0.8]).map((fraction) => Number((fraction * 100).toFixed(2))).join(', ')}
        />
        <div class="pair">
          <label>
            At the limit
            <select
              value={action}
              onChange={({ currentTarget }) => setAction(currentTarget.value as Budget['action'])}
            >
              {budgetActions.map((name) => (
                <option key={name} value={name}>
                  {actionWords[name]}
                </option>
              ))}
            </select>
          </label>
          {action === 'hold' && <StopMode mode={budget?.mode} />}
        </div>
      </Form>
    </Dialog>
  )
}

function StopMode({ mode }: { mode: Mode | undefined }) {
  return (
    <label>
      When
      <select name="mode" defaultValue={mode}>
        {actions.pause.modes.map((name) => (
          <option key={name} value={name}>
            {modeWords[name]}
          </option>
        ))}
      </select>
    </label>
  )
}

function WindowFields() {
  const [window, setWindow] = useState<Budget['window']>('day')
  return (
    <div class="pair">
      <label>
        Window
        <select
          name="window"
          value={window}
          onChange={({ currentTarget }) => setWindow(currentTarget.value as Budget['window'])}
        >
          {budgetWindows.map((name) => (
            <option key={name} value={name}>
              {windowWords[name]}
            </option>
          ))}
        </select>
      </label>
      {window !== 'none' && <Field label="Time zone" name="timezone" value={zoneName()} isRequired />}
    </div>
  )
}

type ScopeProps = { live: ProjectLive; scope: Scope; onScope: (scope: Scope) => void }

function ScopeFields({ live, scope, onScope }: ScopeProps) {
  const names = [...live.agents.values()].filter(({ status }) => status !== 'terminated').slice(0, MAX_NAMES)
  return (
    <>
      <label>
        For
        <select value={scope} onChange={({ currentTarget }) => onScope(currentTarget.value as Scope)}>
          {Object.entries(scopes).map(([name, label]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {scope === 'some' && <MatchFields example="team=search" />}
      {scope === 'tree' && (
        <Labelled label="Agent" name="agent" hint="name or ID">
          {(control) => (
            <>
              <input {...control} list="budget-agents" required autoComplete="off" />
              <datalist id="budget-agents">
                {names.map(({ id, name }) => (
                  <option key={id} value={name} />
                ))}
              </datalist>
            </>
          )}
        </Labelled>
      )}
    </>
  )
}

type ScopeBody = Pick<CreateBudgetBody, 'window' | 'timezone' | 'selector' | 'agent_type_id' | 'agent_id'>

function readScope(live: ProjectLive, scope: Scope, fields: FormData): ScopeBody {
  return {
    window: fields.get('window') as Budget['window'],
    timezone: typed(fields, 'timezone'),
    ...(scope === 'some' && readMatch(fields)),
    ...(scope === 'tree' && { agent_id: findAgent(live, typed(fields, 'agent') ?? '') }),
  }
}

/** Throws unless the words name one agent. */
function findAgent({ agents }: ProjectLive, words: string): string {
  if (agents.has(words)) return words
  const found = [...agents.values()].filter(({ name, status }) => name === words && status !== 'terminated')
  const [only] = found
  if (!only) throw new FieldError('agent', `No agent is called ${words}`)
  if (found.length > 1)
    throw new FieldError('agent', `${found.length} agents are called ${words}: enter the ID`)
  return only.id
}

/** "50, 80" as fractions. The server says what is wrong with one that is no fraction. */
function readFractions(words: string | undefined): number[] {
  const parts = words?.split(/[,;\s]+/).filter(Boolean) ?? []
  return parts.map((part) => {
    const percent = Number(part.replace(/%$/, ''))
    if (!(percent > 0 && percent <= 100)) throw new FieldError('warn_at', 'Enter percentages, such as 50, 80')
    return Number((percent / 100).toFixed(6))
  })
}

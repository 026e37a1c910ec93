import { useState } from 'preact/hooks'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { LabelPatch } from '#src/domain/labels.ts'
import { useAppState } from '../app-state-context.ts'
import { links } from '../model/links.ts'
import { describe, typed } from '../parts/fields.tsx'
import { Icon } from '../parts/icons.tsx'
import { LabelText } from '../parts/labels.tsx'

type Props = { agent: AgentSummary; mayEdit: boolean }

/** The agent's labels; each leads to the agents that have it too. */
export function AgentLabels({ agent, mayEdit }: Props) {
  const { api } = useAppState()
  const [problems, setProblems] = useState<string[]>([])
  const labels = Object.entries(agent.labels)
  const isEditable = mayEdit && agent.status !== 'terminated'
  if (labels.length === 0 && !isEditable) return null
  /** Whether the server accepted it; the agent's next event shows the change. */
  const merge = async (patch: LabelPatch): Promise<boolean> => {
    try {
      await api.agents.update(agent.project_id, agent.id, { labels: patch })
      setProblems([])
      return true
    } catch (error) {
      setProblems(describe(error))
      return false
    }
  }
  return (
    <section class="panel" aria-label="Labels">
      <header class="panel-head">
        <h3>Labels</h3>
      </header>
      <div class="labels">
        {labels.length > 0 && (
          <ul>
            {labels.map(([key, value]) => (
              <li key={key} class="label-item">
                <a
                  class="label"
                  href={links.labelled(agent.project_id, key, value)}
                  title={`Show all with ${key}=${value}`}
                >
                  <LabelText name={key} value={value} />
                </a>
                {isEditable && (
                  <button
                    type="button"
                    class="quiet"
                    aria-label={`Remove label ${key}`}
                    onClick={() => void merge({ [key]: null })}
                  >
                    <Icon name="close" />
                  </button>
                )}
              </li>
            ))}
          </ul>
        )}
        {isEditable && <AddLabel onAdd={(key, value) => merge({ [key]: value })} />}
        <ul class="problems" role="alert">
          {problems.map((problem) => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      </div>
    </section>
  )
}

function AddLabel({ onAdd }: { onAdd: (key: string, value: string) => Promise<boolean> }) {
  const [isBusy, setBusy] = useState(false)
  const add = async (event: SubmitEvent) => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    const fields = new FormData(form)
    setBusy(true)
    const isAdded = await onAdd(typed(fields, 'key') ?? '', typed(fields, 'value') ?? '')
    setBusy(false)
    if (!isAdded) return
    form.reset()
    form.querySelector('input')?.focus()
  }
  return (
    <form class="label-form" onSubmit={add}>
      <input name="key" aria-label="Key of the label" placeholder="key" autoComplete="off" required />
      <span aria-hidden="true">=</span>
      <input name="value" aria-label="Value of the label" placeholder="value" autoComplete="off" />
      <button type="submit" disabled={isBusy}>
        Add
      </button>
    </form>
  )
}

import type { Project } from '#src/client/rest/rest.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { useAppState } from '../app-state-context.ts'
import { parseTokens } from '../model/amounts.ts'
import { formatCount } from '../model/format.ts'
import { say } from '../model/notices.ts'
import { atField } from '../model/problems.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Form, typed } from '../parts/fields.tsx'

type Props = { project: Project; agent: AgentSummary; onClose: () => void }

/** What the form changes; an empty field clears it. */
function readChange(fields: FormData) {
  const tokens = typed(fields, 'token_limit')
  const cost = typed(fields, 'cost_limit')
  return {
    current_task: typed(fields, 'current_task') ?? null,
    token_limit: atField('token_limit', () => parseTokens(tokens)) ?? null,
    cost_limit: cost?.replace(/^\$\s*/, '') ?? null,
  }
}

/** The task and the limits of an agent. */
export function AgentEdit({ project, agent, onClose }: Props) {
  const { api } = useAppState()
  const { current_task, token_limit, cost_limit } = agent
  const save = async (fields: FormData) => {
    const change = readChange(fields)
    const isSameTask = change.current_task === current_task?.trim()
    const { name } = await api.agents.update(project.id, agent.id, {
      ...change,
      // A runtime may have set another one meanwhile.
      current_task: isSameTask ? undefined : change.current_task,
    })
    say('done', `Saved ${name}`)
    onClose()
  }
  return (
    <Dialog title={`Edit ${agent.name}`} onClose={onClose}>
      <Form submit="Save" onCancel={onClose} onSubmit={save}>
        <Field label="Task" name="current_task" value={current_task ?? undefined} hint="empty: none" />
        <div class="pair">
          <Field
            label="Token limit"
            name="token_limit"
            value={token_limit === null ? undefined : formatCount(token_limit)}
            hint="empty: none"
          />
          <Field
            label="Cost limit in $"
            name="cost_limit"
            value={cost_limit === null ? undefined : String(Number(cost_limit))}
            hint="empty: none"
            inputMode="decimal"
          />
        </div>
        <p class="faint">An agent that is over its limit is paused. Its runtime may set the task again.</p>
      </Form>
    </Dialog>
  )
}

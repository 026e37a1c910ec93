import type { AgentSummary } from '#src/domain/agent.ts'
import { exceededLimit } from '#src/domain/budget.ts'
import { useAppState } from '../app-state-context.ts'
import { parseTokens } from '../model/amounts.ts'
import { plural } from '../model/format.ts'
import { setLimits } from '../model/limits.ts'
import { say } from '../model/notices.ts'
import { order } from '../model/orders.ts'
import { atField, FieldError } from '../model/problems.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Form, typed } from '../parts/fields.tsx'
import { LimitUses } from './limit-uses.tsx'

type Props = { agents: readonly AgentSummary[]; onClose: () => void }

/** An empty field leaves the limit as it is; the word removes it. */
const NO_LIMIT = 'none'

function readChange<Limit>(
  text: string | undefined,
  read: (text: string) => Limit,
): Limit | null | undefined {
  if (text === undefined) return undefined
  return text.toLowerCase() === NO_LIMIT ? null : read(text)
}

/** The same limits for several agents. Those that their limits have paused can be resumed with them. */
export function BulkLimits({ agents, onClose }: Props) {
  const app = useAppState()
  const over = agents.filter((agent) => agent.status === 'paused' && exceededLimit(agent))
  const save = async (fields: FormData) => {
    const change = {
      token_limit: readChange(typed(fields, 'token_limit'), (text) =>
        atField('token_limit', () => parseTokens(text)),
      ),
      cost_limit: readChange(typed(fields, 'cost_limit'), (text) => text.replace(/^\$\s*/, '')),
    }
    if (change.token_limit === undefined && change.cost_limit === undefined)
      throw new FieldError('token_limit', 'Enter a limit')
    const refusal = await setLimits(app.api, agents, () => change)
    say(refusal ? 'partial' : 'done', refusal ?? `Limits set for ${plural(agents.length, 'agent')}`)
    onClose()
    const [first] = over
    if (!refusal && first && fields.get('resume') === 'on') {
      void order(app, { project_id: first.project_id, ids: over.map(({ id }) => id) }, { action: 'resume' })
    }
  }
  return (
    <Dialog title={`Limits of ${plural(agents.length, 'agent')}`} onClose={onClose}>
      <Form submit="Set the limits" onCancel={onClose} onSubmit={save}>
        <p>An empty field leaves the limit of each agent as it is. The word {NO_LIMIT} removes it.</p>
        <div class="pair">
          <Field label="Token limit" name="token_limit" hint="such as 200k" />
          <Field label="Cost limit in $" name="cost_limit" />
        </div>
        <LimitUses agents={agents} />
        {over.length > 0 && (
          <label class="check">
            <input type="checkbox" name="resume" defaultChecked />
            Resume {over.length === 1 ? over[0]?.name : plural(over.length, 'agent')}, paused over a limit
          </label>
        )}
      </Form>
    </Dialog>
  )
}

import type { AgentSummary } from '#src/domain/agent.ts'
import { useAppState } from '../app-state-context.ts'
import { parseTokens } from '../model/amounts.ts'
import { plural } from '../model/format.ts'
import { say } from '../model/notices.ts'
import { atField, FieldError } from '../model/problems.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Form, typed } from '../parts/fields.tsx'

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

/** The same limits for several agents, one after the other. */
export function BulkLimits({ agents, onClose }: Props) {
  const { api } = useAppState()
  const save = async (fields: FormData) => {
    const change = {
      token_limit: readChange(typed(fields, 'token_limit'), (text) =>
        atField('token_limit', () => parseTokens('Token limit', text)),
      ),
      cost_limit: readChange(typed(fields, 'cost_limit'), (text) => text.replace(/^\$\s*/, '')),
    }
    if (change.token_limit === undefined && change.cost_limit === undefined)
      throw new FieldError('token_limit', 'Enter a limit')
    for (const [index, { id, name, project_id }] of agents.entries()) {
      try {
        await api.agents.update(project_id, id, change)
      } catch (error) {
        // The first refusal is most likely about the input, and concerns all.
        if (index === 0) throw error
        const reason = error instanceof Error ? error.message : String(error)
        say('partial', `Limits set for ${index} of ${agents.length} agents. ${name}: ${reason}`)
        onClose()
        return
      }
    }
    say('done', `Limits set for ${plural(agents.length, 'agent')}`)
    onClose()
  }
  return (
    <Dialog title={`Limits of ${plural(agents.length, 'agent')}`} onClose={onClose}>
      <Form submit="Set the limits" onCancel={onClose} onSubmit={save}>
        <p>An empty field leaves the limit of each agent as it is. The word {NO_LIMIT} removes it.</p>
        <div class="pair">
          <Field label="Token limit" name="token_limit" hint="such as 200k" />
          <Field label="Cost limit in $" name="cost_limit" />
        </div>
      </Form>
    </Dialog>
  )
}

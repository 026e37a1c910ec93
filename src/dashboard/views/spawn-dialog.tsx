import { type Agent, eachItem, type Project } from '#src/client/rest/rest.ts'
import { useAppState } from '../app-state-context.ts'
import { parseTokens } from '../model/amounts.ts'
import { formatCount, formatExactMoney } from '../model/format.ts'
import { links } from '../model/links.ts'
import { useLoaded } from '../model/loaded.ts'
import { say } from '../model/notices.ts'
import { atField } from '../model/problems.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Form, typed } from '../parts/fields.tsx'

function describeLimits({ token_limit, cost_limit }: Agent): string {
  const limits = [
    ...(token_limit === null ? [] : [`${formatCount(token_limit)} tokens`]),
    ...(cost_limit === null ? [] : [formatExactMoney(Number(cost_limit))]),
  ]
  return limits.length > 0 ? `limit ${limits.join(' and ')}` : 'no limit'
}

export function SpawnDialog({ project, onClose }: { project: Project; onClose: () => void }) {
  const { api, me } = useAppState()
  const types = useLoaded('types', () => Array.fromAsync(eachItem((page) => api.agentTypes.list(page))))
  const active = types.value?.filter(({ is_active }) => is_active)
  const spawn = async (fields: FormData) => {
    const token_limit = atField('token_limit', () => parseTokens(typed(fields, 'token_limit')))
    const agent = await api.agents.spawn(project.id, {
      agent_type_id: String(fields.get('agent_type_id')),
      name: typed(fields, 'name') ?? '',
      current_task: typed(fields, 'current_task'),
      token_limit,
      cost_limit: typed(fields, 'cost_limit'),
    })
    say('done', `Spawned ${agent.name}, ${describeLimits(agent)}`, links.agent(project.id, agent.id))
    onClose()
  }
  return (
    <Dialog title={`Spawn an agent in ${project.name}`} onClose={onClose}>
      {types.problem && <p class="dialog-body">{types.problem}</p>}
      {active?.length === 0 && (
        <p class="dialog-body">
          No agent types yet.{' '}
          {me.is_superuser ? <a href={links.types}>Create one</a> : 'Ask an admin to create one.'}
        </p>
      )}
      {active && active.length > 0 && (
        <Form submit="Spawn" onCancel={onClose} onSubmit={spawn}>
          <Field label="Name" name="name" isRequired />
          <label>
            Type
            <select name="agent_type_id">
              {active.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <Field label="Task" name="current_task" hint="optional" />
          <div class="pair">
            <Field label="Token limit" name="token_limit" hint="such as 200k" />
            <Field label="Cost limit in $" name="cost_limit" hint="optional" inputMode="decimal" />
          </div>
          <p class="faint">
            An agent can also introduce itself: <a href={links.connect(project.id)}>connect one from code</a>.
          </p>
        </Form>
      )}
    </Dialog>
  )
}

import { eachItem, type Project } from '#src/client/rest.ts'
import { useLoaded } from '../model/loaded.ts'
import { say } from '../model/notices.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Form, typed } from '../parts/fields.tsx'
import { useWorld } from '../world-context.ts'

export function SpawnDialog({ project, onClose }: { project: Project; onClose: () => void }) {
  const { api } = useWorld()
  const types = useLoaded('types', () => Array.fromAsync(eachItem((page) => api.agentTypes.list(page))))
  const active = types.value?.filter(({ is_active }) => is_active)
  const spawn = async (fields: FormData) => {
    const token_limit = typed(fields, 'token_limit')
    const agent = await api.agents.spawn(project.id, {
      agent_type_id: String(fields.get('agent_type_id')),
      name: typed(fields, 'name') ?? '',
      current_task: typed(fields, 'current_task'),
      token_limit: token_limit === undefined ? undefined : Number(token_limit),
      cost_limit: typed(fields, 'cost_limit'),
    })
    say('done', `${agent.name} is spawned`)
    onClose()
  }
  return (
    <Dialog title={`Spawn an agent in ${project.name}`} onClose={onClose}>
      {types.problem && <p class="dialog-body">{types.problem}</p>}
      {active?.length === 0 && (
        <p class="dialog-body">There is no active agent type to spawn from. A superuser makes them.</p>
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
            <Field label="Token limit" name="token_limit" hint="optional" inputMode="numeric" />
            <Field label="Cost limit in $" name="cost_limit" hint="optional" inputMode="decimal" />
          </div>
        </Form>
      )}
    </Dialog>
  )
}

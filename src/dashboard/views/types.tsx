import { useState } from 'preact/hooks'
import { type AgentType, eachItem } from '#src/client/rest/rest.ts'
import { useAppState } from '../app-state-context.ts'
import { useLoaded } from '../model/loaded.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Icon } from '../parts/icons.tsx'
import { State } from '../parts/states.tsx'
import { TypeForm } from './type-form.tsx'

/** The agent types; only superusers may edit them. */
export function Types() {
  const { api, me } = useAppState()
  const { value, problem, reload } = useLoaded('types', () =>
    Array.fromAsync(eachItem((page) => api.agentTypes.list(page))),
  )
  const [edited, setEdited] = useState<AgentType | 'new'>()
  const close = () => {
    setEdited(undefined)
    reload()
  }
  return (
    <div class="page">
      <header class="page-head">
        <h1>Agent types</h1>
        {me.is_superuser && (
          <button type="button" class="main" onClick={() => setEdited('new')}>
            <Icon name="plus" />
            New type
          </button>
        )}
      </header>
      {!value && !problem && <State kind="loading" title="Loading the types" />}
      {problem && <State kind="problem" title={problem} />}
      {value?.length === 0 && <State title="No agent types yet" />}
      {value && value.length > 0 && (
        <table class="table table-cards">
          <thead>
            <tr>
              <th>Name</th>
              <th>Slug</th>
              <th>Description</th>
              <th>Status</th>
              {me.is_superuser && <th class="hidden-head">Actions</th>}
            </tr>
          </thead>
          <tbody>
            {value.map((type) => (
              <tr key={type.id}>
                <td>
                  <b>{type.name}</b>
                </td>
                <td data-label="Slug">
                  <code>{type.slug}</code>
                </td>
                <td data-label="Description">{type.description}</td>
                <td data-label="Status">{type.is_active ? 'active' : <span class="faint">inactive</span>}</td>
                {me.is_superuser && (
                  <td class="table-actions">
                    <button type="button" class="quiet" onClick={() => setEdited(type)}>
                      Edit
                    </button>
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {edited && <TypeDialog type={edited === 'new' ? undefined : edited} onClose={close} />}
    </div>
  )
}

function TypeDialog({ type, onClose }: { type: AgentType | undefined; onClose: () => void }) {
  return (
    <Dialog title={type ? `Edit ${type.name}` : 'New agent type'} onClose={onClose}>
      <TypeForm type={type} onCancel={onClose} onSaved={onClose} />
    </Dialog>
  )
}

import { useState } from 'preact/hooks'
import type { AgentType } from '#src/client/rest/rest.ts'
import { useAppState } from '../app-state-context.ts'
import { Field, Form, typed } from '../parts/fields.tsx'
import { SlugField } from './slug-field.tsx'

type Props = {
  /** Without it, the form makes a new one. */
  type?: AgentType | undefined
  onCancel?: () => void
  onSaved: (type: AgentType) => unknown
}

/** An agent type, for superusers. */
export function TypeForm({ type, onCancel, onSaved }: Props) {
  const { api } = useAppState()
  const [name, setName] = useState('')
  const save = async (fields: FormData) => {
    const body = {
      name: typed(fields, 'name') ?? '',
      slug: typed(fields, 'slug') ?? '',
      description: typed(fields, 'description') ?? null,
      ...(type && { is_active: fields.get('is_active') === 'on' }),
    }
    await onSaved(await (type ? api.agentTypes.update(type.id, body) : api.agentTypes.create(body)))
  }
  return (
    <Form submit={type ? 'Save' : 'Create the type'} onCancel={onCancel} onSubmit={save}>
      <Field label="Name" name="name" value={type?.name} onInput={setName} isRequired />
      <SlugField saved={type?.slug} name={name} hint="what programs call it: a-z, 0-9, - and _" />
      <Field label="Description" name="description" value={type?.description ?? undefined} hint="optional" />
      {type && (
        <label class="check">
          <input type="checkbox" name="is_active" defaultChecked={type.is_active} />
          Active (agents can be created)
        </label>
      )}
    </Form>
  )
}

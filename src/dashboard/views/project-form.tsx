import { useState } from 'preact/hooks'
import type { Project } from '#src/client/rest/rest.ts'
import { useAppState } from '../app-state-context.ts'
import { parseTokens } from '../model/amounts.ts'
import { formatCount } from '../model/format.ts'
import { links } from '../model/links.ts'
import { atField } from '../model/problems.ts'
import { goTo } from '../model/route.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Form, typed } from '../parts/fields.tsx'
import { SlugField } from './slug-field.tsx'

type Props = {
  /** Without it, the form makes a new one. */
  project?: Project
  onCancel?: () => void
  onSaved: (project: Project) => unknown
}

/** A project: what its owner may choose. */
export function ProjectForm({ project, onCancel, onSaved }: Props) {
  const app = useAppState()
  const [name, setName] = useState('')
  const save = async (fields: FormData) => {
    const body = {
      name: typed(fields, 'name') ?? '',
      slug: typed(fields, 'slug') ?? '',
      description: typed(fields, 'description') ?? null,
      ...(project && { agent_limit: atField('agent_limit', () => readCount(typed(fields, 'agent_limit'))) }),
    }
    const saved = await (project ? app.api.projects.update(project.id, body) : app.api.projects.create(body))
    await app.readProjects()
    await onSaved(saved)
  }
  return (
    <Form submit={project ? 'Save' : 'Create the project'} onCancel={onCancel} onSubmit={save}>
      <Field label="Name" name="name" value={project?.name} onInput={setName} isRequired />
      <SlugField saved={project?.slug} name={name} hint="for the command line: a-z, 0-9, - and _" />
      <Field
        label="Description"
        name="description"
        hint="optional"
        value={project?.description ?? undefined}
      />
      {project && (
        <Field
          label="Agent limit"
          name="agent_limit"
          hint="agents that are not terminated"
          value={formatCount(project.agent_limit)}
          inputMode="numeric"
          isRequired
        />
      )}
    </Form>
  )
}

function readCount(text: string | undefined): number {
  try {
    return parseTokens(text) ?? 0
  } catch {
    throw new RangeError('Enter a whole number, such as 10,000')
  }
}

/** A new project leads to its first agent. */
export function NewProject({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="New project" onClose={onClose}>
      <ProjectForm
        onCancel={onClose}
        onSaved={({ id }) => {
          onClose()
          goTo(links.connect(id))
        }}
      />
    </Dialog>
  )
}

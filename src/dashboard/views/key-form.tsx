import { useState } from 'preact/hooks'
import type { CreatedKey, CreateKeyBody, Project } from '#src/client/rest/rest.ts'
import { type KeyRole, keyRoles } from '#src/domain/access.ts'
import { useAppState } from '../app-state-context.ts'
import { Choice, Field, Form, typed } from '../parts/fields.tsx'

export const keyRoleWords = {
  runtime: 'Runtime: run agents',
  operator: 'Operator: watch and control',
  viewer: 'Viewer: watch',
} as const satisfies Record<KeyRole, string>

const expiries = [
  ['', 'Never'],
  ['30', 'In 30 days'],
  ['90', 'In 90 days'],
  ['365', 'In a year'],
] as const
const DAY_MS = 86_400_000

type Props = {
  onCancel?: () => void
  /** The only moment at which the key is known. */
  onCreated: (created: CreatedKey) => void
}

function useCreate(onCreated: Props['onCreated']) {
  const { api } = useAppState()
  return async (fields: FormData, own: Pick<CreateKeyBody, 'role' | 'project_id'>) => {
    const days = Number(typed(fields, 'expires') ?? 0)
    const expires_at = days > 0 ? new Date(Date.now() + days * DAY_MS).toISOString() : null
    onCreated(await api.keys.create({ name: typed(fields, 'name') ?? '', expires_at, ...own }))
  }
}

/** A key for the agents of one project. */
export function RuntimeKeyForm({ project, onCreated }: Props & { project: Project }) {
  const create = useCreate(onCreated)
  return (
    <Form
      submit="Create the key"
      onSubmit={(fields) => create(fields, { role: 'runtime', project_id: project.id })}
    >
      <div class="pair">
        <Field label="Name" name="name" value={`${project.slug} agents`} isRequired />
        <Choice label="Expires" name="expires" choices={expiries} />
      </div>
    </Form>
  )
}

type KeyFormProps = Props & {
  /** Those that the user owns. */
  projects: readonly Project[]
  /** The user controls agents somewhere: a key has no more rights than its maker. */
  mayControl: boolean
}

/** A key for a project that the user owns, or for all that the user may reach. */
export function KeyForm({ projects, mayControl, onCancel, onCreated }: KeyFormProps) {
  const create = useCreate(onCreated)
  const isOwner = projects.length > 0
  const [role, setRole] = useState<KeyRole>(isOwner ? 'runtime' : mayControl ? 'operator' : 'viewer')
  const offered: Record<KeyRole, boolean> = { runtime: isOwner, operator: mayControl, viewer: true }
  const roles = keyRoles.filter((name) => offered[name]).map((name) => [name, keyRoleWords[name]] as const)
  const own: [string, string][] = projects.map(({ id, name }) => [id, name])
  const choices: [string, string][] = role === 'runtime' ? own : [['', 'All that I may access'], ...own]
  return (
    <Form
      submit="Create the key"
      onCancel={onCancel}
      onSubmit={(fields) => create(fields, { role, project_id: typed(fields, 'project_id') ?? null })}
    >
      <Field label="Name" name="name" hint="to find it again" isRequired />
      <Choice
        label="Role"
        name="role"
        choices={roles}
        value={role}
        onChange={(value) => setRole(value as KeyRole)}
      />
      <Choice key={role} label="Project" name="project_id" choices={choices} />
      {!isOwner && (
        <p class="faint">Only the owner of a project, or an admin, makes keys for that project alone.</p>
      )}
      <Choice label="Expires" name="expires" choices={expiries} />
    </Form>
  )
}

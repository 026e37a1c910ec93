import { eachItem, type Member, type Project } from '#src/client/rest/rest.ts'
import type { MemberRole } from '#src/domain/access.ts'
import { useAppState } from '../app-state-context.ts'
import { useLoaded } from '../model/loaded.ts'
import { say } from '../model/notices.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Choice, Form, Labelled, typed } from '../parts/fields.tsx'

type Props = { project: Project; members: readonly Member[]; onClose: () => void }

const roles = [
  ['viewer', 'Viewer: watch'],
  ['operator', 'Operator: watch and control'],
] as const satisfies (readonly [MemberRole, string])[]

/** By e-mail. Admins, who may list the users, choose from them. */
export function AddMember({ project, members, onClose }: Props) {
  const { api, me } = useAppState()
  const users = useLoaded('users', async () =>
    me.is_superuser ? Array.fromAsync(eachItem((page) => api.users.list(page))) : [],
  )
  const add = async (fields: FormData) => {
    const role = fields.get('role') as MemberRole
    const { full_name, email } = await api.members.add(project.id, {
      email: typed(fields, 'email') ?? '',
      role,
    })
    say('done', `Added ${full_name ?? email}`)
    onClose()
  }
  const known = new Set([project.owner_id, ...members.map((member) => member.user_id)])
  return (
    <Dialog title={`Add a member to ${project.name}`} onClose={onClose}>
      <Form submit="Add" onCancel={onClose} onSubmit={add}>
        <Labelled label="E-mail" name="email">
          {(control) => (
            <>
              <input {...control} type="text" list="users" inputMode="email" autoComplete="off" required />
              <datalist id="users">
                {users.value
                  ?.filter(({ id, is_active }) => is_active && !known.has(id))
                  .map(({ id, email, full_name }) => (
                    <option key={id} value={email}>
                      {full_name}
                    </option>
                  ))}
              </datalist>
            </>
          )}
        </Labelled>
        <Choice label="Role" name="role" choices={roles} />
      </Form>
    </Dialog>
  )
}

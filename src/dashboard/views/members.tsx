import { useState } from 'preact/hooks'
import { eachItem, type Member, type Project } from '#src/client/rest/rest.ts'
import type { MemberRole } from '#src/domain/access.ts'
import { useAppState } from '../app-state-context.ts'
import { formatFullTime } from '../model/format.ts'
import { useLoaded } from '../model/loaded.ts'
import { say } from '../model/notices.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Form, typed } from '../parts/fields.tsx'
import { Icon } from '../parts/icons.tsx'
import { State } from '../parts/states.tsx'

/** The users who may watch or control the project, without its owner. */
export function Members({ project }: { project: Project }) {
  const { api, permissions } = useAppState()
  const mayManage = permissions.may(project, 'manage_members')
  const [isAdding, setAdding] = useState(false)
  const { value, problem, reload } = useLoaded(project.id, () =>
    Array.fromAsync(eachItem((page) => api.members.list(project.id, page))),
  )
  const change = async (work: Promise<unknown>) => {
    await work.catch((error: unknown) =>
      say('problem', error instanceof Error ? error.message : String(error)),
    )
    reload()
  }
  return (
    <div class="page">
      <header class="page-head">
        <h2>Members</h2>
        {mayManage && (
          <button type="button" class="main" onClick={() => setAdding(true)}>
            <Icon name="plus" />
            Add a member
          </button>
        )}
      </header>
      {!value && !problem && <State kind="loading" title="Loading the members" />}
      {problem && <State kind="problem" title={problem} />}
      {value?.length === 0 && (
        <State title="No members yet">
          <p>Only the owner has access. Operators can control agents. Viewers can only watch.</p>
        </State>
      )}
      {value && value.length > 0 && (
        <MemberTable
          members={value}
          mayManage={mayManage}
          onRole={({ user_id }, role) => void change(api.members.set(project.id, user_id, { role }))}
          onRemove={({ user_id }) => void change(api.members.remove(project.id, user_id))}
        />
      )}
      {isAdding && (
        <AddMember
          project={project}
          onClose={() => {
            setAdding(false)
            reload()
          }}
        />
      )}
    </div>
  )
}

type TableProps = {
  members: readonly Member[]
  mayManage: boolean
  onRole: (member: Member, role: MemberRole) => void
  onRemove: (member: Member) => void
}

function MemberTable({ members, mayManage, onRole, onRemove }: TableProps) {
  return (
    <table class="table table-cards">
      <thead>
        <tr>
          <th>Name</th>
          <th>E-mail</th>
          <th>Role</th>
          <th>Added</th>
          {mayManage && <th class="hidden-head">Actions</th>}
        </tr>
      </thead>
      <tbody>
        {members.map((member) => (
          <tr key={member.user_id}>
            <td>
              <b>{member.full_name ?? '–'}</b>
            </td>
            <td data-label="E-mail">{member.email}</td>
            <td data-label="Role">{mayManage ? <Role member={member} onRole={onRole} /> : member.role}</td>
            <td data-label="Added">{formatFullTime(member.created_at)}</td>
            {mayManage && (
              <td class="table-actions">
                <button type="button" class="quiet" onClick={() => onRemove(member)}>
                  Remove<span class="hidden"> {member.email}</span>
                </button>
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Role({ member, onRole }: { member: Member; onRole: TableProps['onRole'] }) {
  return (
    <select
      value={member.role}
      aria-label={`Role of ${member.email}`}
      onChange={({ currentTarget }) => onRole(member, currentTarget.value as MemberRole)}
    >
      <option value="operator">operator</option>
      <option value="viewer">viewer</option>
    </select>
  )
}

/** Only superusers may list the users: an owner has to ask the new member for the id. */
function AddMember({ project, onClose }: { project: Project; onClose: () => void }) {
  const { api, me } = useAppState()
  const users = useLoaded('users', async () =>
    me.is_superuser ? Array.fromAsync(eachItem((page) => api.users.list(page))) : [],
  )
  const add = async (fields: FormData) => {
    const role = String(fields.get('role')) as MemberRole
    await api.members.set(project.id, typed(fields, 'user_id') ?? '', { role })
    onClose()
  }
  return (
    <Dialog title={`Add a member to ${project.name}`} onClose={onClose}>
      <Form submit="Add" onCancel={onClose} onSubmit={add}>
        {me.is_superuser ? (
          <label>
            User
            <select name="user_id">
              {users.value?.map(({ id, email, full_name }) => (
                <option key={id} value={id}>
                  {full_name ? `${full_name} (${email})` : email}
                </option>
              ))}
            </select>
          </label>
        ) : (
          <Field label="User ID" name="user_id" hint="from GET /api/v1/users/me" isRequired />
        )}
        <label>
          Role
          <select name="role">
            <option value="operator">Operator: watch and control</option>
            <option value="viewer">Viewer: watch</option>
          </select>
        </label>
      </Form>
    </Dialog>
  )
}

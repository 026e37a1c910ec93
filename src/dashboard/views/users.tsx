import { useState } from 'preact/hooks'
import { eachItem, type User } from '#src/client/rest/rest.ts'
import { useAppState } from '../app-state-context.ts'
import { formatFullTime } from '../model/format.ts'
import { useLoaded } from '../model/loaded.ts'
import { personName } from '../model/people.ts'
import { Icon } from '../parts/icons.tsx'
import { State } from '../parts/states.tsx'
import { DisableUser, EditUser, NewUser, ResetPassword } from './user-dialogs.tsx'

type Asked = { kind: 'new' } | { kind: 'edit' | 'password' | 'disable'; user: User }

/** Everyone who can sign in; for superusers. */
export function Users() {
  const { api, me, permissions } = useAppState()
  const [asked, setAsked] = useState<Asked>()
  const { value, problem, reload } = useLoaded('users', async () => {
    if (!me.is_superuser) return []
    const users = await Array.fromAsync(eachItem((page) => api.users.list(page)))
    permissions.people.learnUsers(users)
    return users
  })
  if (!me.is_superuser) return <State title="Only admins manage users" />
  const close = () => {
    setAsked(undefined)
    reload()
  }
  return (
    <div class="page">
      <header class="page-head">
        <h1>Users</h1>
        <button type="button" class="main" onClick={() => setAsked({ kind: 'new' })}>
          <Icon name="plus" />
          New user
        </button>
      </header>
      {!value && problem === undefined && <State kind="loading" title="Loading the users" />}
      {problem !== undefined && <State kind="problem" title={problem} />}
      {value && (
        <table class="table table-cards">
          <thead>
            <tr>
              <th>Name</th>
              <th>E-mail</th>
              <th>Role</th>
              <th>Status</th>
              <th>Added</th>
              <th class="hidden-head">Actions</th>
            </tr>
          </thead>
          <tbody>
            {value.map((user) => (
              <UserRow key={user.id} user={user} isMe={user.id === me.id} onAsk={setAsked} />
            ))}
          </tbody>
        </table>
      )}
      {asked?.kind === 'new' && <NewUser onClose={close} />}
      {asked?.kind === 'edit' && <EditUser user={asked.user} onClose={close} />}
      {asked?.kind === 'password' && <ResetPassword user={asked.user} onClose={close} />}
      {asked?.kind === 'disable' && <DisableUser user={asked.user} onClose={close} />}
    </div>
  )
}

type RowProps = { user: User; isMe: boolean; onAsk: (asked: Asked) => void }

function UserRow({ user, isMe, onAsk }: RowProps) {
  const who = <span class="hidden"> {user.email}</span>
  return (
    <tr>
      <td>
        <b>{personName(user)}</b> {isMe && <span class="faint">you</span>}
      </td>
      <td data-label="E-mail">{user.email}</td>
      <td data-label="Role">{user.is_superuser ? 'admin' : 'user'}</td>
      <td data-label="Status">{user.is_active ? 'active' : <span class="faint">disabled</span>}</td>
      <td data-label="Added">{formatFullTime(user.created_at)}</td>
      <td class="table-actions">
        <button type="button" class="quiet" onClick={() => onAsk({ kind: 'edit', user })}>
          Edit{who}
        </button>
        <button type="button" class="quiet" onClick={() => onAsk({ kind: 'password', user })}>
          Reset password{who}
        </button>
        {!isMe && (
          <button type="button" class="quiet" onClick={() => onAsk({ kind: 'disable', user })}>
            {user.is_active ? 'Disable' : 'Enable'}
            {who}
          </button>
        )}
      </td>
    </tr>
  )
}

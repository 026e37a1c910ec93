import type { User } from '#src/client/rest/rest.ts'
import { useAppState } from '../app-state-context.ts'
import { say } from '../model/notices.ts'
import { personName } from '../model/people.ts'
import { Confirm } from '../parts/confirm.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Form, PasswordField, typed } from '../parts/fields.tsx'

type Props = { user: User; onClose: () => void }

/** A password is taken as it is typed, with its spaces. */
export const readPassword = (fields: FormData, name: string) => String(fields.get(name) ?? '')

function NameFields({ user }: { user?: User }) {
  return (
    <>
      <Field label="E-mail" name="email" value={user?.email} inputMode="email" isRequired />
      <Field label="Full name" name="full_name" value={user?.full_name ?? undefined} hint="optional" />
    </>
  )
}

function AdminField({ isAdmin }: { isAdmin: boolean }) {
  return (
    <label class="check">
      <input type="checkbox" name="is_superuser" defaultChecked={isAdmin} />
      Admin: every project, all users, agent types
    </label>
  )
}

function readUser(fields: FormData) {
  return {
    email: typed(fields, 'email') ?? '',
    full_name: typed(fields, 'full_name') ?? null,
    is_superuser: fields.get('is_superuser') === 'on',
  }
}

export function NewUser({ onClose }: Pick<Props, 'onClose'>) {
  const { api } = useAppState()
  const create = async (fields: FormData) => {
    const user = await api.users.create({ ...readUser(fields), password: readPassword(fields, 'password') })
    say('done', `Created ${personName(user)}`)
    onClose()
  }
  return (
    <Dialog title="New user" onClose={onClose}>
      <Form submit="Create" onCancel={onClose} onSubmit={create}>
        <NameFields />
        <PasswordField
          label="Password"
          name="password"
          hint="at least 8 characters; pass it on yourself"
          isNew
        />
        <AdminField isAdmin={false} />
      </Form>
    </Dialog>
  )
}

export function EditUser({ user, onClose }: Props) {
  const { api } = useAppState()
  const save = async (fields: FormData) => {
    const saved = await api.users.update(user.id, readUser(fields))
    say('done', `Saved ${personName(saved)}`)
    onClose()
  }
  return (
    <Dialog title={`Edit ${personName(user)}`} onClose={onClose}>
      <Form submit="Save" onCancel={onClose} onSubmit={save}>
        <NameFields user={user} />
        <AdminField isAdmin={user.is_superuser} />
      </Form>
    </Dialog>
  )
}

export function ResetPassword({ user, onClose }: Props) {
  const { api } = useAppState()
  const reset = async (fields: FormData) => {
    await api.users.update(user.id, { password: readPassword(fields, 'password') })
    say('done', `${personName(user)} has a new password and is signed out everywhere`)
    onClose()
  }
  return (
    <Dialog title={`Reset the password of ${personName(user)}`} onClose={onClose}>
      <Form submit="Reset" onCancel={onClose} onSubmit={reset}>
        <PasswordField label="New password" name="password" hint="at least 8 characters" isNew />
        <p>It ends all sessions of {user.email}. Tell the user the new password.</p>
      </Form>
    </Dialog>
  )
}

/** Or enables one that is disabled. */
export function DisableUser({ user, onClose }: Props) {
  const { api } = useAppState()
  const { is_active } = user
  const change = async () => {
    await api.users.update(user.id, { is_active: !is_active })
    say('done', `${personName(user)} is ${is_active ? 'disabled' : 'enabled'}`)
    onClose()
  }
  if (!is_active) {
    return (
      <Dialog title={`Enable ${personName(user)}`} onClose={onClose}>
        <Form submit="Enable" onCancel={onClose} onSubmit={change}>
          <p>The user can sign in again, and its keys work again.</p>
        </Form>
      </Dialog>
    )
  }
  return (
    <Confirm title={`Disable ${personName(user)}`} submit="Disable" onClose={onClose} onConfirm={change}>
      <p>
        Signs {user.email} out within seconds. Its API keys stop, and the agents that run with them are left
        without a runtime. You can enable it again.
      </p>
    </Confirm>
  )
}

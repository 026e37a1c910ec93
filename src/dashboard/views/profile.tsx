import { useState } from 'preact/hooks'
import { useAppState } from '../app-state-context.ts'
import { say } from '../model/notices.ts'
import { FieldError } from '../model/problems.ts'
import { Field, Form, PasswordField, typed } from '../parts/fields.tsx'
import { CopyField } from '../parts/secret.tsx'
import { readPassword } from './user-dialogs.tsx'

/** The user's own name and password. */
export function Profile() {
  const app = useAppState()
  const { me } = app
  /** A new form: the old one has the passwords. */
  const [turn, setTurn] = useState(0)
  const rename = async (fields: FormData) => {
    app.takeUser(await app.api.users.updateMe({ full_name: typed(fields, 'full_name') ?? null }))
    say('done', 'Saved your name')
  }
  const change = async (fields: FormData) => {
    const password = readPassword(fields, 'password')
    if (password !== readPassword(fields, 'again')) throw new FieldError('again', 'The two passwords differ')
    await app.api.users.updateMe({ password, current_password: readPassword(fields, 'current_password') })
    say('done', 'Changed your password. Your other sessions are signed out.')
    setTurn(turn + 1)
  }
  return (
    <div class="page profile">
      <header class="page-head">
        <h1>Your profile</h1>
      </header>
      <section class="panel" aria-label="Name">
        <header class="panel-head">
          <h2>{me.email}</h2>
          <span class="faint">{me.is_superuser ? 'admin' : 'user'}</span>
        </header>
        <Form submit="Save" onSubmit={rename}>
          <Field label="Full name" name="full_name" value={me.full_name ?? undefined} autoComplete="name" />
        </Form>
        <div class="panel-foot">
          <CopyField label="Your ID" text={me.id} />
          <p class="faint">The owner of a project needs it to add you.</p>
        </div>
      </section>
      <section class="panel" aria-label="Password">
        <header class="panel-head">
          <h2>Password</h2>
        </header>
        <Form key={turn} submit="Change the password" onSubmit={change}>
          <PasswordField label="Current password" name="current_password" />
          <PasswordField label="New password" name="password" hint="at least 8 characters" isNew />
          <PasswordField label="New password again" name="again" isNew />
        </Form>
      </section>
    </div>
  )
}

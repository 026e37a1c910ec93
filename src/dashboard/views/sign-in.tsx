import { useState } from 'preact/hooks'
import { sayError } from '../model/problems.ts'
import type { Session } from '../model/session.ts'
import { Brand } from '../parts/icons.tsx'

export function SignIn({ session, reason }: { session: Session; reason: string | undefined }) {
  const [problem, setProblem] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const fields = new FormData(event.currentTarget as HTMLFormElement)
    const [email, password] = [String(fields.get('email')), String(fields.get('password'))]
    setBusy(true)
    try {
      await session.signIn({ email, password })
    } catch (error) {
      setProblem(sayError(error))
      setBusy(false)
    }
  }
  return (
    <main class="alone">
      <form class="sign-in" onSubmit={submit}>
        <h1>
          <Brand />
          Signalbox
        </h1>
        {reason && !problem && <p class="hint">{reason}</p>}
        <label>
          E-mail
          <input name="email" type="text" inputMode="email" autoComplete="username" required autoFocus />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <p class="form-problem" role="alert">
          {problem}
        </p>
        <button type="submit" class="main" disabled={isBusy}>
          {isBusy ? 'Signing in' : 'Sign in'}
        </button>
      </form>
    </main>
  )
}

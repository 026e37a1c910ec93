import { useEffect, useState } from 'preact/hooks'
import type { User } from '#src/client/rest/rest.ts'
import { AppState } from '#src/dashboard/model/app-state.ts'
import { AppStateContext } from './app-state-context.ts'
import { now } from './model/clock.ts'
import type { Session } from './model/session.ts'
import { Notices } from './parts/notices.tsx'
import { State } from './parts/states.tsx'
import { Shell } from './views/shell.tsx'
import { SignIn } from './views/sign-in.tsx'

/** How often the page retries while it cannot reach the server. */
const ASK_AGAIN_MS = 3_000

export function App({ session }: { session: Session }) {
  const state = session.state.value
  return (
    <>
      {state.kind === 'in' && <SignedIn key={state.user.id} session={session} user={state.user} />}
      {state.kind === 'out' && <SignIn session={session} reason={state.reason} />}
      {state.kind === 'unknown' && <Waiting session={session} problem={state.problem} />}
      <Notices />
    </>
  )
}

function SignedIn({ session, user }: { session: Session; user: User }) {
  const [app] = useState(() => new AppState(session, user))
  useEffect(() => () => app.close(), [app])
  return (
    <AppStateContext.Provider value={app}>
      <Shell session={session} />
    </AppStateContext.Provider>
  )
}

function Waiting({ session, problem }: { session: Session; problem: string | undefined }) {
  useEffect(() => {
    if (!problem) return
    const timer = setTimeout(() => void session.resume(), ASK_AGAIN_MS)
    return () => clearTimeout(timer)
  }, [session, problem])
  if (!problem) return <main class="alone" aria-busy="true" />
  return (
    <main class="alone">
      <State kind="problem" title="Can't reach the server">
        <p>
          {problem}. Retrying{'.'.repeat(1 + (Math.floor(now.value / 1_000) % 3))}
        </p>
      </State>
    </main>
  )
}

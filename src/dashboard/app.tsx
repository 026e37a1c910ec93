import { useEffect, useState } from 'preact/hooks'
import type { User } from '#src/client/rest.ts'
import { now } from './model/clock.ts'
import type { Session } from './model/session.ts'
import { World } from './model/world.ts'
import { Notices } from './parts/notices.tsx'
import { State } from './parts/states.tsx'
import { Shell } from './views/shell.tsx'
import { SignIn } from './views/sign-in.tsx'
import { WorldContext } from './world-context.ts'

/** How often a server that cannot be reached is asked again whether one is signed in. */
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
  const [world] = useState(() => new World(session, user))
  useEffect(() => () => world.close(), [world])
  return (
    <WorldContext.Provider value={world}>
      <Shell session={session} />
    </WorldContext.Provider>
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
      <State kind="problem" title="Signalbox is out of reach">
        <p>
          {problem}. The page asks again by itself{'.'.repeat(1 + (Math.floor(now.value / 1_000) % 3))}
        </p>
      </State>
    </main>
  )
}

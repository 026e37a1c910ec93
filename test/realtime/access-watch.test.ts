import { expect, it } from 'vitest'
import type { Authentication } from '#src/auth/authenticate.ts'
import { AccessWatch } from '#src/realtime/access-watch.ts'
import { useApp } from '../http/suite.ts'
import { backends } from '../support/backends.ts'

const [backend] = backends
if (!backend) throw new Error('there is always the embedded backend')
const running = useApp(backend)

it('a credential that is renewed while the old one is looked at is not taken for a lost one', async () => {
  const watch = new AccessWatch(running().app.database)
  const authentication = (credential_id: string): Authentication => ({
    principal: { kind: 'runtime', id: '00000000-0000-4000-8000-000000000001', role: 'runtime' },
    expires_at: null,
    credential_id,
  })
  const lost: string[] = []
  const guarded = {
    authentication: authentication('00000000-0000-4000-8000-000000000002'),
    uses: () => [],
    refresh: () => {},
    credentialLost: () => lost.push(guarded.authentication.credential_id),
    accessLost: () => {},
  }
  watch.add(guarded)
  const checking = watch.check()
  guarded.authentication = authentication('00000000-0000-4000-8000-000000000003')
  await checking
  expect(lost).toEqual([])
  await watch.check()
  expect(lost).toEqual(['00000000-0000-4000-8000-000000000003'])
  watch.close()
})

import { expect, it } from 'vitest'
import type { Authentication } from '#src/auth/authenticate.ts'
import { AccessRecheck } from '#src/realtime/access/access-recheck.ts'
import { useApp } from '../http/suite.ts'
import { backends } from '../support/backends.ts'

const [backend] = backends
if (!backend) throw new Error('the embedded backend is missing')
const running = useApp(backend)

it('a credential that is renewed during a re-check does not count as lost', async () => {
  const watch = new AccessRecheck(running().app.database)
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

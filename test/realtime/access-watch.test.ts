import { expect, it } from 'vitest'
import { type Authentication, createAuthenticate } from '#src/auth/authenticate.ts'
import { AccessRecheck } from '#src/realtime/access/access-recheck.ts'
import { useApp } from '../http/suite.ts'
import { backends } from '../support/backends.ts'

const [backend] = backends
if (!backend) throw new Error('the embedded backend is missing')
const running = useApp(backend)

it('a credential that is renewed during a re-check does not count as lost', async () => {
  const watch = new AccessRecheck(running().app.database, Date.now)
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

it('the use of a key is noted once a minute while a connection has it, also by a re-check', async () => {
  const { app, rest } = running()
  const { id, key } = (
    await rest.post<{ id: string; key: string }>('/api-keys', { name: 'watcher', role: 'viewer' })
  ).body
  const { database } = app
  let now = Date.now()
  const watch = new AccessRecheck(database, () => now)
  const guarded = {
    authentication: await createAuthenticate(database, ['unused'], () => now)(key),
    uses: () => [],
    refresh: () => {},
    credentialLost: () => {},
    accessLost: () => {},
  }
  watch.add(guarded)
  const lastUse = async () => {
    const { data } = (await rest.get<{ data: { id: string; last_used_at: string }[] }>('/api-keys')).body
    return data.find((own) => own.id === id)?.last_used_at
  }
  const connected = await lastUse()
  now += 59_000
  await watch.check()
  expect(await lastUse()).toBe(connected)
  now += 2_000
  await watch.check()
  expect(await lastUse()).toBe(new Date(now).toISOString())
  watch.delete(guarded)
  const ended = now
  now += 61_000
  await watch.check()
  expect(await lastUse()).toBe(new Date(ended).toISOString())
  watch.close()
})

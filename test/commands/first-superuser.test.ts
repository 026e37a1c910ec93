import { describe, expect, it, vi } from 'vitest'
import { admin, backends, startApp } from '../support/backends.ts'
import { Rest } from '../support/rest.ts'

describe.each(backends)('the first superuser on $name', ({ config }) => {
  it('gets a random password, shown once, if the environment has none', async () => {
    const shown: { email: string; password: string }[] = []
    const app = await startApp(
      { ...(await config()), adminEmail: undefined, adminPassword: undefined },
      { onFirstSuperuser: (superuser) => shown.push(superuser) },
    )
    const { email, password } = shown[0] ?? { email: '', password: '' }
    expect(shown).toHaveLength(1)
    expect(email).toBe('admin@localhost')
    expect(password.length).toBeGreaterThanOrEqual(16)
    const rest = await Rest.of(app).signIn({ email, password })
    expect((await rest.get<object>('/users/me')).body).toMatchObject({ email, is_superuser: true })
    await app.stop()
  })

  it('has the e-mail and password of the environment, and the password is never shown', async () => {
    const onFirstSuperuser = vi.fn()
    const app = await startApp(await config(), { onFirstSuperuser })
    expect(onFirstSuperuser).not.toHaveBeenCalled()
    expect((await (await Rest.of(app).signIn(admin)).get('/users/me')).status).toBe(200)
    await app.stop()
  })
})

describe.each(backends.slice(1))('a server with users on $name', ({ config }) => {
  it('makes no second superuser when it starts again', async () => {
    const own = await config()
    await (await startApp(own)).stop()
    const again = await startApp({
      ...own,
      adminEmail: 'other@example.org',
      adminPassword: 'another password',
    })
    const rest = await Rest.of(again).signIn(admin)
    expect(
      (await rest.get<{ data: { email: string }[] }>('/users')).body.data.map(({ email }) => email),
    ).toEqual([admin.email])
    await again.stop()
  })
})

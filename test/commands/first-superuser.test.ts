import { describe, expect, it } from 'vitest'
import { admin, backends, startApp } from '../support/backends.ts'
import { Rest } from '../support/rest.ts'

describe.each(backends)('the first superuser on $name', ({ config }) => {
  it('is made with a random password, to be shown once, where none is given', async () => {
    const app = await startApp({ ...(await config()), admin_email: undefined, admin_password: undefined })
    const { email, password } = app.created_superuser ?? { email: '', password: '' }
    expect(email).toBe('admin@localhost')
    expect(password.length).toBeGreaterThanOrEqual(16)
    const rest = await Rest.of(app).signIn({ email, password })
    expect((await rest.get<object>('/users/me')).body).toMatchObject({ email, is_superuser: true })
    await app.stop()
  })

  it('is the one of the environment, whose password is never shown', async () => {
    const app = await startApp(await config())
    expect(app.created_superuser).toBeUndefined()
    expect((await (await Rest.of(app).signIn(admin)).get('/users/me')).status).toBe(200)
    await app.stop()
  })
})

describe.each(backends.slice(1))('a server with users on $name', ({ config }) => {
  it('makes no other superuser when it starts again', async () => {
    const own = await config()
    await (await startApp(own)).stop()
    const again = await startApp({
      ...own,
      admin_email: 'other@example.org',
      admin_password: 'another password',
    })
    expect(again.created_superuser).toBeUndefined()
    const rest = await Rest.of(again).signIn(admin)
    expect(
      (await rest.get<{ data: { email: string }[] }>('/users')).body.data.map(({ email }) => email),
    ).toEqual([admin.email])
    await again.stop()
  })
})

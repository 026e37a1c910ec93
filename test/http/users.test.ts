import { describe, expect, it } from 'vitest'
import { admin, backends } from '../support/backends.ts'
import { type Rest, unique } from '../support/rest.ts'
import { readAudit } from './audit.ts'
import { addUser, invalid, password, refusal, UNKNOWN, type User, useApp, wrongValues } from './suite.ts'

type Page = { data: User[]; pagination: { total: number; page_size: number } }
const anything = { message: expect.any(String) }
const address = () => `${unique('person')}@example.org`

describe.each(backends)('users on $name', (backend) => {
  const running = useApp(backend)
  const login = (email: string, secret: string) =>
    running()
      .rest.as(undefined)
      .post<{ access_token: string; refresh_token: string }>('/auth/login', { email, password: secret })

  it('are created by a superuser, with the e-mail in lower case', async () => {
    const email = address()
    const { status, body } = await running().rest.post<User>('/users', {
      email: email.toUpperCase(),
      password,
    })
    expect(status).toBe(201)
    expect(body).toMatchObject({ email, full_name: null, is_active: true, is_superuser: false })
    expect((await running().rest.get<User>(`/users/${body.id}`)).body).toEqual(body)
    expect((await login(email, password)).status).toBe(200)
  })

  it('have unique e-mails, regardless of case', async () => {
    const user = await addUser(running().rest)
    const duplicate = refusal(409, 'DB_002', { message: expect.any(String), field: 'email' })
    expect(await running().rest.post('/users', { email: user.email.toUpperCase(), password })).toEqual(
      duplicate,
    )
    expect(await running().rest.patch(`/users/${user.id}`, { email: admin.email })).toEqual(duplicate)
    expect((await running().rest.patch(`/users/${user.id}`, { email: user.email })).status).toBe(200)
    const same = { email: address(), password }
    const answers = await Promise.all([1, 2, 3, 4].map(() => running().rest.post('/users', same)))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409])
  })

  it.each(
    wrongValues(
      ['email', 'nobody'],
      ['email', 'a b@example.org'],
      ['email', null],
      ['email', `${'x'.repeat(320)}@example.org`],
      ['password', 'short'],
      ['password', 'x'.repeat(129)],
      ['password', null],
      ['full_name', 'x'.repeat(256)],
      ['is_active', 'yes'],
      ['is_superuser', 1],
      ['role', 'admin'],
      ['password_hash', 'x'],
    ),
  )('refuse $field: $shown', async ({ field, value }) => {
    const body = { email: address(), password, [field]: value }
    expect(await running().rest.post('/users', body)).toEqual(invalid(field))
  })

  it('cannot have their e-mail as their password', async () => {
    const email = address()
    expect(await running().rest.post('/users', { email, password: email.toUpperCase() })).toEqual(
      invalid('password'),
    )
    const user = await addUser(running().rest)
    expect(await running().rest.patch(`/users/${user.id}`, { password: user.email })).toEqual(
      invalid('password'),
    )
    expect(await user.rest.patch('/users/me', { current_password: password, password: user.email })).toEqual(
      invalid('password'),
    )
  })

  it('are listed in pages, newest first', async () => {
    const user = await addUser(running().rest)
    const { body } = await running().rest.get<Page>('/users?limit=1')
    expect(body.data.map(({ id }) => id)).toEqual([user.id])
    expect(body.pagination.page_size).toBe(1)
    expect(body.pagination.total).toBeGreaterThan(1)
  })

  it('can read only themselves', async () => {
    const { rest, id } = await addUser(running().rest)
    const forbidden = refusal(403, 'AUTH_004', anything)
    expect((await rest.get<User>('/users/me')).body.id).toBe(id)
    expect(await rest.get('/users')).toEqual(forbidden)
    expect(await rest.get(`/users/${id}`)).toEqual(forbidden)
    expect(await rest.get(`/users/${UNKNOWN}`)).toEqual(forbidden)
    expect(await rest.post('/users', { email: address(), password })).toEqual(forbidden)
    expect(await rest.patch(`/users/${id}`, { is_superuser: true })).toEqual(forbidden)
    expect(await rest.patch('/users/me', { is_superuser: true })).toEqual(invalid('is_superuser'))
    expect(await running().rest.get(`/users/${UNKNOWN}`)).toEqual(refusal(404, 'SYS_002', anything))
    expect(await running().rest.patch(`/users/${UNKNOWN}`, {})).toEqual(refusal(404, 'SYS_002', anything))
  })

  it('can change their name, and, with the current password, their password', async () => {
    const { email } = await addUser(running().rest)
    const own = (await login(email, password)).body
    const rest = running().rest.as(own.access_token)
    expect((await rest.patch<User>('/users/me', { full_name: ' Ada ' })).body.full_name).toBe('Ada')
    expect((await rest.patch<User>('/users/me', { full_name: null })).body.full_name).toBeNull()
    const change = (body: object) => rest.patch('/users/me', { password: 'another password', ...body })
    expect(await change({})).toEqual(invalid('current_password'))
    expect(await change({ current_password: 'wrong' })).toEqual(invalid('current_password'))
    const { refresh_token } = (await login(email, password)).body
    expect((await change({ current_password: password })).status).toBe(200)
    expect((await login(email, password)).status).toBe(401)
    expect((await login(email, 'another password')).status).toBe(200)
    // The session that changed the password stays valid, and the others are revoked.
    const refresh = (body: object) => rest.as(undefined).post<typeof own>('/auth/refresh', body)
    expect(await refresh({ refresh_token })).toEqual(refusal(401, 'AUTH_003', anything))
    const renewed = await refresh({ refresh_token: own.refresh_token })
    expect(renewed.status).toBe(200)
    const again = { password, current_password: 'another password' }
    expect((await rest.as(renewed.body.access_token).patch('/users/me', again)).status).toBe(200)
    expect((await refresh({ refresh_token: renewed.body.refresh_token })).status).toBe(200)
  })

  it('have an audit entry when they change themselves, and when their password was wrong', async () => {
    const { rest, id } = await addUser(running().rest)
    const refused = { full_name: 'Ada', password: 'another password', current_password: 'wrong' }
    expect((await rest.patch('/users/me', refused)).status).toBe(422)
    expect((await rest.patch('/users/me', { ...refused, current_password: password })).status).toBe(200)
    const own = (await readAudit(running().rest)).filter(({ actor }) => actor.id === id)
    const entry = { actor: { kind: 'user', id }, target_id: id }
    const details = { changed: ['full_name'], is_active: true, is_superuser: false }
    const changes = own.filter(({ action }) => action !== 'signed_in')
    expect(changes).toHaveLength(3)
    expect(changes).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ ...entry, action: 'user_updated', details }),
        expect.objectContaining({ ...entry, action: 'password_changed', details: {} }),
        expect.objectContaining({ ...entry, action: 'password_change_failed' }),
      ]),
    )
  })

  it('have an audit entry that names only what has changed', async () => {
    const { id, email } = await addUser(running().rest, { full_name: 'Ada' })
    await running().rest.patch(`/users/${id}`, { email, full_name: 'Ada', is_superuser: false })
    await running().rest.patch(`/users/${id}`, { email, full_name: 'Bea', is_superuser: false, password })
    const own = (await readAudit(running().rest)).filter(
      ({ action, target_id }) => action === 'user_updated' && target_id === id,
    )
    const details = { changed: ['full_name', 'password'], is_active: true, is_superuser: false }
    expect(own.map((entry) => entry.details)).toEqual([details])
  })

  it('lose their sessions when a superuser sets their password', async () => {
    const { id, email } = await addUser(running().rest)
    const { refresh_token } = (await login(email, password)).body
    await running().rest.patch(`/users/${id}`, { password: 'set by another' })
    expect((await running().rest.as(undefined).post('/auth/refresh', { refresh_token })).status).toBe(401)
    expect((await login(email, 'set by another')).status).toBe(200)
  })

  it('gain and lose the rights of a superuser at once', async () => {
    const { rest, id } = await addUser(running().rest)
    await running().rest.patch(`/users/${id}`, { is_superuser: true })
    expect((await rest.get<Page>('/users')).status).toBe(200)
    await running().rest.patch(`/users/${id}`, { is_superuser: false })
    expect((await rest.get('/users')).status).toBe(403)
  })
})

describe.each(backends)('the last active superuser on $name', (backend) => {
  const running = useApp(backend)
  const conflict = refusal(409, 'DB_002', anything)
  const idOf = async (rest: Rest) => (await rest.get<User>('/users/me')).body.id

  it('cannot be demoted or deactivated', async () => {
    const { rest } = running()
    await addUser(rest, { is_superuser: true, is_active: true }).then((other) =>
      rest.patch(`/users/${other.id}`, { is_active: false }),
    )
    const path = `/users/${await idOf(rest)}`
    expect(await rest.patch(path, { is_superuser: false })).toEqual(conflict)
    expect(await rest.patch(path, { is_active: false })).toEqual(conflict)
    expect((await rest.patch(path, { full_name: 'Still here' })).status).toBe(200)
    expect((await rest.patch(path, { is_active: true, is_superuser: true })).status).toBe(200)
  })

  it('stays when two superusers demote each other at once', async () => {
    const { rest } = running()
    const other = await addUser(rest, { is_superuser: true })
    const answers = await Promise.all([
      rest.patch(`/users/${other.id}`, { is_superuser: false }),
      other.rest.patch(`/users/${await idOf(rest)}`, { is_superuser: false }),
    ])
    // The second may also have found itself demoted before it was let in.
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const left = answers.find(({ status }) => status !== 200)
    expect([403, 409]).toContain(left?.status)
  })
})

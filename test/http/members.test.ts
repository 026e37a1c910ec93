import { beforeEach, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { createFleetOf } from '../support/cast.ts'
import type { Fleet, Rest } from '../support/rest.ts'
import { type Page, readAudit } from './audit.ts'
import { addUser, invalid, refusal, UNKNOWN, type User, useApp, wrongValues } from './suite.ts'

type Member = {
  user_id: string
  email: string
  full_name: string | null
  role: string
  created_at: string
  updated_at: string
}

const anything = { message: expect.any(String) }
const forbidden = refusal(403, 'AUTH_004', anything)

describe.each(backends)('the members of a project on $name', (backend) => {
  const running = useApp(backend)
  let owner: User & { rest: Rest }
  let fleet: Fleet
  let path: string
  beforeEach(async () => {
    owner = await addUser(running().rest)
    fleet = await createFleetOf(owner.rest, running().rest)
    path = `/projects/${fleet.project_id}/members`
  })

  const set = (user: { id: string }, role: unknown, rest = owner.rest) =>
    rest.put<Member>(`${path}/${user.id}`, { role })
  const list = async (query = '', rest = owner.rest) => (await rest.get<Page<Member>>(`${path}${query}`)).body

  it('do not exist at first, since the owner is not a member', async () => {
    expect(await list()).toEqual({
      data: [],
      pagination: { total: 0, page: 1, page_size: 0, total_pages: 0, has_next: false, has_prev: false },
    })
  })

  it('are added with a role, and shown with their name', async () => {
    const user = await addUser(running().rest, { full_name: 'Ada' })
    const { status, body } = await set(user, 'viewer')
    expect(status).toBe(200)
    expect(body).toEqual({
      user_id: user.id,
      email: user.email,
      full_name: 'Ada',
      role: 'viewer',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updated_at: body.created_at,
    })
    expect((await list()).data).toEqual([body])
  })

  it('are added by e-mail, however it is spelled', async () => {
    const user = await addUser(running().rest)
    const add = (email: unknown, role: unknown = 'viewer') => owner.rest.post<Member>(path, { email, role })
    const { status, body } = await add(` ${user.email.toUpperCase()} `)
    expect([status, body.user_id, body.role]).toEqual([200, user.id, 'viewer'])
    expect((await add(user.email, 'operator')).body.role).toBe('operator')
    expect((await list()).data).toHaveLength(1)
    const field = 'email'
    const missing = { code: 'SYS_002', message: 'No user with this e-mail', field }
    expect(await add('nobody@example.org')).toMatchObject({ status: 404, body: { errors: [missing] } })
    expect(await add(owner.email)).toMatchObject({ status: 409, body: { errors: [{ code: 'DB_002' }] } })
    expect(await add('x')).toMatchObject({ status: 422, body: { errors: [{ field }] } })
  })

  it('change their role at once, and keep the day on which they were added', async () => {
    const user = await addUser(running().rest)
    const spawnAs = () =>
      user.rest.post(fleet.agents, { agent_type_id: fleet.agent_type_id, name: 'Eve' }).then((a) => a.status)
    expect(await spawnAs()).toBe(403)
    const viewer = (await set(user, 'viewer')).body
    expect(await spawnAs()).toBe(403)
    const operator = (await set(user, 'operator')).body
    expect(operator).toMatchObject({ role: 'operator', created_at: viewer.created_at })
    expect(operator.updated_at >= viewer.updated_at).toBe(true)
    expect(await spawnAs()).toBe(201)
    expect((await set(user, 'operator')).status).toBe(200)
    expect(await list()).toMatchObject({ data: [{ role: 'operator' }], pagination: { total: 1 } })
    await set(user, 'viewer')
    expect(await spawnAs()).toBe(403)
  })

  it('lose access when they are removed, which works once', async () => {
    const user = await addUser(running().rest)
    await set(user, 'operator')
    expect((await user.rest.get(fleet.agents)).status).toBe(200)
    const answer = await owner.rest.delete(`${path}/${user.id}`)
    expect(answer).toMatchObject({ status: 200, body: { success: true, message: expect.any(String) } })
    expect(await user.rest.get(fleet.agents)).toEqual(forbidden)
    expect((await list()).data).toEqual([])
    const gone = refusal(404, 'SYS_002', {
      message: `User ${user.id} is not a member of project ${fleet.project_id}`,
    })
    expect(await owner.rest.delete(`${path}/${user.id}`)).toEqual(gone)
    expect((await set(user, 'viewer')).status).toBe(200)
  })

  it('are listed in pages, newest first', async () => {
    const users = [
      await addUser(running().rest),
      await addUser(running().rest),
      await addUser(running().rest),
    ]
    for (const user of users) await set(user, 'viewer')
    const newestFirst = users.map(({ id }) => id).reverse()
    const pages = [await list('?limit=2'), await list('?limit=2&page=2'), await list('?limit=2&page=3')]
    expect(pages.map(({ data }) => data.map(({ user_id }) => user_id))).toEqual([
      newestFirst.slice(0, 2),
      newestFirst.slice(2),
      [],
    ])
    expect(pages.map(({ pagination }) => pagination)).toMatchObject([
      { total: 3, page_size: 2, total_pages: 2, has_next: true, has_prev: false },
      { total: 3, page_size: 1, has_next: false, has_prev: true },
      { total: 3, page_size: 0, has_next: false, has_prev: true },
    ])
    expect(await owner.rest.get(`${path}?limit=101&page=0`)).toEqual(invalid('page', 'limit'))
  })

  it('can list each other, and the projects that they are in', async () => {
    const user = await addUser(running().rest)
    const projects = async () => (await user.rest.get<Page<{ id: string }>>('/projects')).body.data
    expect(await projects()).toEqual([])
    await set(user, 'viewer')
    expect((await projects()).map(({ id }) => id)).toEqual([fleet.project_id])
    expect((await list('', user.rest)).data).toMatchObject([{ user_id: user.id }])
    const other = await addUser(running().rest)
    expect(await other.rest.get(path)).toEqual(forbidden)
  })

  it('never include the owner', async () => {
    const taken = refusal(409, 'DB_002', { message: expect.any(String), field: 'user_id' })
    for (const rest of [owner.rest, running().rest]) expect(await set(owner, 'viewer', rest)).toEqual(taken)
    expect((await owner.rest.delete(`${path}/${owner.id}`)).status).toBe(404)
    expect((await owner.rest.get(fleet.agents)).status).toBe(200)
  })

  it.each(
    wrongValues(
      ['role', 'owner'],
      ['role', 'superuser'],
      ['role', 'runtime'],
      ['role', 'Viewer'],
      ['role', null],
      ['role', ['viewer']],
      ['user_id', UNKNOWN],
    ),
  )('refuse $field: $shown', async ({ field, value }) => {
    const answer = await owner.rest.put(`${path}/${UNKNOWN}`, { role: 'viewer', [field]: value })
    expect(answer).toEqual(invalid(field))
  })

  it('must be known users, of known projects', async () => {
    expect(await owner.rest.put(`${path}/${UNKNOWN}`, {})).toEqual(invalid('role'))
    expect(await owner.rest.put(`${path}/nobody`, { role: 'viewer' })).toEqual(invalid('user_id'))
    expect(await set({ id: UNKNOWN }, 'viewer')).toEqual(
      refusal(404, 'SYS_002', { message: `User ${UNKNOWN} not found` }),
    )
    path = `/projects/${UNKNOWN}/members`
    const unknown = refusal(404, 'SYS_002', { message: `Project ${UNKNOWN} not found` })
    const user = await addUser(running().rest)
    for (const rest of [owner.rest, running().rest]) {
      expect(await rest.get(path)).toEqual(unknown)
      expect(await set(user, 'viewer', rest)).toEqual(unknown)
      expect(await rest.delete(`${path}/${user.id}`)).toEqual(unknown)
    }
  })

  it('can be added and removed only by the owner and superusers', async () => {
    const [operator, user] = [await addUser(running().rest), await addUser(running().rest)]
    await set(operator, 'operator')
    expect(await set(user, 'viewer', operator.rest)).toEqual(forbidden)
    expect(await set(operator, 'viewer', operator.rest)).toEqual(forbidden)
    expect(await operator.rest.delete(`${path}/${operator.id}`)).toEqual(forbidden)
    expect((await set(user, 'operator', running().rest)).status).toBe(200)
    expect((await running().rest.delete(`${path}/${user.id}`)).status).toBe(200)
  })

  it('that are added by many requests at once exist once', async () => {
    const user = await addUser(running().rest)
    const roles = Array.from({ length: 10 }, (_, n) => (n % 2 ? 'viewer' : 'operator'))
    const answers = await Promise.all(roles.map((role) => set(user, role)))
    expect(answers.map(({ status }) => status)).toEqual(roles.map(() => 200))
    expect((await list()).pagination.total).toBe(1)
    const removals = await Promise.all(roles.map(() => owner.rest.delete(`${path}/${user.id}`)))
    expect(removals.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(removals.filter(({ status }) => status === 404)).toHaveLength(9)
  })

  it('read their own role in each of their projects, and who owns it', async () => {
    const user = await addUser(running().rest)
    await set(user, 'viewer')
    const access = async (rest: Rest) => (await rest.get<Page<object>>('/users/me/access')).body
    const { id, email } = owner
    const own = { project_id: fleet.project_id, owner_id: id, owner_email: email, owner_name: null }
    expect((await access(user.rest)).data).toEqual([{ ...own, role: 'viewer' }])
    expect((await access(owner.rest)).data).toEqual([{ ...own, role: 'owner' }])
    expect((await access(running().rest)).data).toContainEqual({ ...own, role: 'superuser' })
    await set(user, 'operator')
    const walk = await user.rest.get('/users/me/access?cursor=')
    expect(walk.body).toEqual({ data: [{ ...own, role: 'operator' }], next_cursor: null })
    await owner.rest.delete(`${path}/${user.id}`)
    expect(await access(user.rest)).toMatchObject({ data: [], pagination: { total: 0 } })
  })

  it('have audit entries that say who gave them which role', async () => {
    const user = await addUser(running().rest)
    await set(user, 'viewer')
    await set(user, 'operator', running().rest)
    await owner.rest.delete(`${path}/${user.id}`)
    await set(owner, 'viewer')
    await set(user, 'viewer', user.rest)
    const superuser = (await running().rest.get<User>('/users/me')).body.id
    const trail = (await readAudit(running().rest)).filter(
      ({ project_id }) => project_id === fleet.project_id,
    )
    const entry = (action: string, actor: string, details: object) => ({
      id: expect.any(String),
      at: expect.any(String),
      action,
      actor: { kind: 'user', id: actor },
      target_id: user.id,
      project_id: fleet.project_id,
      details,
    })
    expect(trail).toEqual([
      entry('member_removed', owner.id, {}),
      entry('member_set', superuser, { role: 'operator' }),
      entry('member_set', owner.id, { role: 'viewer' }),
    ])
  })
})

import { beforeEach, describe, expect, it } from 'vitest'
import { statement } from '#src/store/database.ts'
import { backends } from '../support/backends.ts'
import { addKey, createFleetOf } from '../support/cast.ts'
import { type Fleet, type Rest, unique } from '../support/rest.ts'
import { type Page, readAudit } from './audit.ts'
import { addUser, invalid, refusal, UNKNOWN, type User, useApp, wrongValues } from './suite.ts'

type ListedKey = {
  id: string
  name: string
  project_id: string | null
  role: string
  maker_id: string
  expires_at: string | null
  created_at: string
  last_used_at: string | null
}

const anything = { message: expect.any(String) }
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
const ageUse = statement('test_age_key_use', 'update api_keys set last_used_at = $2 where id = $1')
const ageKey = statement('test_age_key', 'update api_keys set expires_at = $2 where id = $1')

describe.each(backends)('API keys on $name', (backend) => {
  const running = useApp(backend)
  let owner: User & { rest: Rest }
  let fleet: Fleet
  let project_id: string
  beforeEach(async () => {
    owner = await addUser(running().rest)
    fleet = await createFleetOf(owner.rest, running().rest)
    project_id = fleet.project_id
  })

  const join = async (role: string) => {
    const user = await addUser(running().rest)
    await owner.rest.put(`/projects/${project_id}/members/${user.id}`, { role })
    return user
  }
  const list = async (rest = owner.rest, query = '') =>
    (await rest.get<Page<ListedKey>>(`/api-keys${query}`)).body
  const find = async (id: string) => (await list()).data.find((key) => key.id === id)

  it('are shown once, and then listed without the key', async () => {
    const expires_at = '2126-11-23T18:03:11.204Z'
    const input = { name: ' Deploy ', project_id, role: 'operator', expires_at }
    const { status, body } = await owner.rest.post<{ id: string; created_at: string; key: string }>(
      '/api-keys',
      input,
    )
    expect(status).toBe(201)
    const shown = { id: expect.any(String), name: 'Deploy', project_id, role: 'operator', expires_at }
    expect(body).toEqual({ ...shown, created_at: time, key: expect.stringMatching(/^sbx_[\w-]{43}$/) })
    const { id, created_at } = body
    expect((await list()).data).toEqual([
      { ...shown, id, created_at, maker_id: owner.id, last_used_at: null },
    ])
  })

  it('have no project and no expiry by default', async () => {
    const bare = await owner.rest.post<{ project_id: null; expires_at: null }>('/api-keys', {
      name: 'bare',
      role: 'viewer',
    })
    expect(bare).toMatchObject({ status: 201, body: { project_id: null, expires_at: null } })
    const nulls = { name: 'nulls', role: 'operator', project_id: null, expires_at: null }
    expect((await owner.rest.post('/api-keys', nulls)).status).toBe(201)
  })

  it.each(
    wrongValues(
      ['name', ''],
      ['name', '  '],
      ['name', null],
      ['name', 'x'.repeat(256)],
      ['role', 'owner'],
      ['role', 'superuser'],
      ['role', null],
      ['project_id', 'x'],
      ['expires_at', 'tomorrow'],
      ['expires_at', '2126-02-30T00:00:00Z'],
      ['expires_at', '2020-01-01T00:00:00Z'],
      ['expires_at', 1],
      ['key', 'sbx_mine'],
      ['maker_id', UNKNOWN],
      ['agent_id', UNKNOWN],
    ),
  )('refuse $field: $shown', async ({ field, value }) => {
    const body = { name: 'key', role: 'viewer', [field]: value }
    expect(await owner.rest.post('/api-keys', body)).toEqual(invalid(field))
  })

  it('with the role runtime need a project, which must be known', async () => {
    expect(await owner.rest.post('/api-keys', { name: 'key', role: 'runtime' })).toEqual(
      invalid('project_id'),
    )
    expect(await owner.rest.post('/api-keys', { name: 'key', role: 'viewer', project_id: UNKNOWN })).toEqual(
      refusal(404, 'SYS_002', { message: `Project ${UNKNOWN} not found` }),
    )
    expect(await owner.rest.post('/api-keys', {})).toEqual(invalid('name', 'role'))
  })

  it('of a project can be created by its owner and superusers, and others by every user', async () => {
    const forbidden = refusal(403, 'AUTH_004', anything)
    const operator = await join('operator')
    const outsider = await addUser(running().rest)
    for (const { rest } of [operator, outsider]) {
      for (const role of ['viewer', 'operator', 'runtime']) {
        expect(await rest.post('/api-keys', { name: 'key', role, project_id })).toEqual(forbidden)
      }
      expect((await rest.post('/api-keys', { name: 'key', role: 'operator' })).status).toBe(201)
    }
    const key = await addKey(owner.rest, { role: 'operator' })
    expect(await key.rest.post('/api-keys', { name: 'key', role: 'viewer' })).toEqual(forbidden)
    expect((await addKey(running().rest, { project_id })).project_id).toBe(project_id)
  })

  it('are listed in pages, newest first: your own, and those of your projects', async () => {
    const operator = await join('operator')
    const own = await addKey(operator.rest)
    const made = [await addKey(owner.rest), await addKey(running().rest, { project_id })]
    made.push(await addKey(owner.rest, { project_id, role: 'runtime' }))
    const ids = made.map(({ id }) => id).reverse()
    const pages = [await list(owner.rest, '?limit=2'), await list(owner.rest, '?limit=2&page=2')]
    expect(pages.map(({ data }) => data.map(({ id }) => id))).toEqual([ids.slice(0, 2), ids.slice(2)])
    expect(pages[0]?.pagination).toMatchObject({ total: 3, total_pages: 2, has_next: true })
    expect((await list(owner.rest, '?page=9')).pagination).toMatchObject({ total: 3, page_size: 0 })
    expect((await list(operator.rest)).data.map(({ id }) => id)).toEqual([own.id])
    const all = (await list(running().rest, '?limit=100')).data.map(({ id }) => id)
    expect(all).toEqual(expect.arrayContaining([own.id, ...ids]))
    expect(await owner.rest.get('/api-keys?limit=0')).toEqual(invalid('limit'))
  })

  it('do not include agents’ tokens, which are neither listed nor revoked', async () => {
    await addKey(owner.rest)
    const { body } = await owner.rest.post<{ id: string }>(fleet.agents, {
      agent_type_id: fleet.agent_type_id,
      name: 'Ada',
    })
    expect((await owner.rest.post(`${fleet.agents}/${body.id}/token`)).status).toBe(201)
    expect((await list()).pagination.total).toBe(1)
  })

  it('show when they were last used, to the minute', async () => {
    const { id, rest } = await addKey(owner.rest, { project_id })
    expect((await find(id))?.last_used_at).toBeNull()
    const before = new Date().toISOString()
    await rest.get(fleet.agents)
    const first = (await find(id))?.last_used_at ?? ''
    expect(first >= before).toBe(true)
    await rest.get(fleet.agents)
    expect((await find(id))?.last_used_at).toBe(first)
    const old = new Date(Date.now() - 61_000).toISOString()
    await running().app.database.run(ageUse, [id, old])
    await rest.get(fleet.agents)
    expect((await find(id))?.last_used_at?.localeCompare(first)).toBe(1)
  })

  it('are refused once revoked, and leave the list', async () => {
    const { id, name, rest } = await addKey(owner.rest, { project_id })
    expect((await rest.get(fleet.agents)).status).toBe(200)
    const revoked = { success: true, message: `API key '${name}' has been revoked` }
    expect(await owner.rest.delete(`/api-keys/${id}`)).toMatchObject({ status: 200, body: revoked })
    const answer = await rest.get(fleet.agents)
    expect(answer).toEqual(refusal(401, 'AUTH_003', anything))
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    expect(await find(id)).toBeUndefined()
    const unknown = refusal(404, 'SYS_002', { message: `API key ${id} not found` })
    expect(await owner.rest.delete(`/api-keys/${id}`)).toEqual(unknown)
    expect(await owner.rest.delete('/api-keys/x')).toEqual(invalid('id'))
  })

  it('can be revoked by their maker, their project’s owner and superusers, and are unknown to others', async () => {
    const operator = await join('operator')
    const own = await addKey(operator.rest)
    const of_project = await addKey(running().rest, { project_id })
    const revoke = async (rest: Rest, { id }: { id: string }) => (await rest.delete(`/api-keys/${id}`)).status
    expect(await revoke(operator.rest, of_project)).toBe(404)
    expect(await revoke(owner.rest, own)).toBe(404)
    expect(await revoke(owner.rest, of_project)).toBe(200)
    expect(await revoke(running().rest, own)).toBe(200)
    const another = await addKey(operator.rest)
    const all = await Promise.all(Array.from({ length: 5 }, () => revoke(operator.rest, another)))
    expect(all.sort()).toEqual([200, 404, 404, 404, 404])
  })

  it('are refused as expired after their expiry', async () => {
    const { id, rest } = await addKey(owner.rest, { project_id, expires_at: '2126-01-01T02:00:00+02:00' })
    expect((await find(id))?.expires_at).toBe('2126-01-01T00:00:00.000Z')
    // By the database's clock, which a server knows to within some milliseconds.
    await running().app.database.run(ageKey, [id, new Date(Date.now() - 1_000).toISOString()])
    expect(await rest.get(fleet.agents)).toEqual(refusal(401, 'AUTH_002', anything))
  })

  it('act under their own name, with the current rights of their maker', async () => {
    const operator = await join('operator')
    const { id, rest } = await addKey(operator.rest, { role: 'operator' })
    const spawn = () => rest.post(fleet.agents, { agent_type_id: fleet.agent_type_id, name: 'Ada' })
    expect((await spawn()).status).toBe(201)
    const { body } = await owner.rest.get<{ data: { actor: object }[] }>(`/projects/${project_id}/events`)
    expect(body.data.at(-1)?.actor).toEqual({ kind: 'api_key', id })
    await owner.rest.put(`/projects/${project_id}/members/${operator.id}`, { role: 'viewer' })
    expect((await spawn()).status).toBe(403)
    expect((await rest.get(fleet.agents)).status).toBe(200)
    const projects = await rest.get<Page<{ id: string }>>('/projects')
    expect(projects.body.data.map((project) => project.id)).toEqual([project_id])
  })

  it('have audit entries that say who created and revoked them', async () => {
    const { id, name } = await addKey(owner.rest, { name: unique('trail'), role: 'runtime', project_id })
    await running().rest.delete(`/api-keys/${id}`)
    await owner.rest.delete(`/api-keys/${id}`)
    const trail = (await readAudit(running().rest)).filter(({ target_id }) => target_id === id)
    const superuser = (await running().rest.get<User>('/users/me')).body.id
    expect(trail).toMatchObject([
      { action: 'key_revoked', actor: { kind: 'user', id: superuser }, project_id, details: { name } },
      {
        action: 'key_created',
        actor: { kind: 'user', id: owner.id },
        project_id,
        details: { name, role: 'runtime' },
      },
    ])
    const [revoked, created] = trail
    const read = async (query: string) => (await readAudit(running().rest, query)).map((entry) => entry.id)
    const of = `&project_id=${project_id}`
    expect(await read(`${of}&action=key_revoked&from=${created?.at}`)).toContain(revoked?.id)
    expect(await read(`${of}&action=key_revoked`)).not.toContain(created?.id)
    expect(await read(`${of}&actor_id=${owner.id}`)).not.toContain(revoked?.id)
    expect(await read(`${of}&actor_id=${owner.id}`)).toContain(created?.id)
    expect(await read(`${of}&to=${created?.at}`)).not.toContain(created?.id)
    expect(await read(`&project_id=${id}`)).toEqual([])
    for (const wrong of ['action=key_lost', 'actor_id=x', 'from=yesterday']) {
      expect((await running().rest.get(`/audit?${wrong}`)).status).toBe(422)
    }
  })
})

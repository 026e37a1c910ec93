import { describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { type Agent, createFleet, type Failure, spawn, unique } from '../support/rest.ts'
import { readAudit } from './audit.ts'
import { addUser, invalid, readLog, refusal, UNKNOWN, useApp, wrongValues } from './suite.ts'

type Project = {
  id: string
  name: string
  slug: string
  description: string | null
  owner_id: string
  updated_at: string
}
type Page = { data: Project[]; pagination: { total: number } }
const anything = { message: expect.any(String) }
const duplicate = refusal(409, 'DB_002', { message: expect.any(String), field: 'slug' })

describe.each(backends)('projects on $name', (backend) => {
  const running = useApp(backend)
  const create = (body: object = {}) =>
    running().rest.post<Project>('/projects', { name: 'Line', slug: unique('slug'), ...body })

  it('belong to their makers', async () => {
    const { rest, id } = await addUser(running().rest)
    const slug = unique('mine')
    const { status, body } = await rest.post<Project>('/projects', {
      name: ' Mine ',
      slug,
      description: 'text',
    })
    expect(status).toBe(201)
    expect(body).toEqual({
      id: expect.any(String),
      name: 'Mine',
      slug,
      description: 'text',
      owner_id: id,
      agent_limit: 10_000,
      created_at: expect.stringMatching(/Z$/),
      updated_at: expect.stringMatching(/Z$/),
    })
    expect((await rest.get<Project>(`/projects/${body.id}`)).body).toEqual(body)
  })

  it('have a slug each', async () => {
    const { slug } = (await create()).body
    expect(await create({ slug })).toEqual(duplicate)
    const other = (await create()).body
    expect(await running().rest.patch(`/projects/${other.id}`, { slug })).toEqual(duplicate)
    expect((await running().rest.get<Project>(`/projects/${other.id}`)).body).toEqual(other)
    const same = { slug: unique('race') }
    const answers = await Promise.all([1, 2, 3, 4].map(() => create(same)))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409])
  })

  it.each(
    wrongValues(
      ['name', ' '],
      ['name', 'x'.repeat(256)],
      ['slug', ''],
      ['slug', 'With Spaces'],
      ['slug', 'x'.repeat(256)],
      ['slug', null],
      ['description', 7],
      ['owner_id', UNKNOWN],
    ),
  )('refuse $field: $shown', async ({ field, value }) => {
    expect(await create({ [field]: value })).toEqual(invalid(field))
    const { id } = (await create()).body
    expect(await running().rest.patch(`/projects/${id}`, { [field]: value })).toEqual(invalid(field))
  })

  it('are listed for users who may read them', async () => {
    const { rest } = await addUser(running().rest)
    const hidden = (await create()).body
    const own = (await rest.post<Project>('/projects', { name: 'Own', slug: unique('own') })).body
    const mine = (await rest.get<Page>('/projects')).body
    expect(mine.data).toEqual([own])
    expect(mine.pagination.total).toBe(1)
    const all = (await running().rest.get<Page>('/projects?limit=100')).body
    expect(all.data.slice(0, 2)).toEqual([own, hidden])
  })

  it('are closed to strangers, and unknown ones are 404', async () => {
    const { rest } = await addUser(running().rest)
    const path = `/projects/${(await create()).body.id}`
    const forbidden = refusal(403, 'AUTH_004', { message: 'You do not have access to this project' })
    expect(await rest.get(path)).toEqual(forbidden)
    expect(await rest.patch(path, { name: 'x' })).toEqual(forbidden)
    expect(await rest.delete(path)).toEqual(forbidden)
    expect(await rest.get(`${path}/events`)).toEqual(forbidden)
    const missing = refusal(404, 'SYS_002', { message: `Project ${UNKNOWN} not found` })
    expect(await rest.get(`/projects/${UNKNOWN}`)).toEqual(missing)
    expect(await rest.patch(`/projects/${UNKNOWN}`, {})).toEqual(missing)
    expect(await rest.delete(`/projects/${UNKNOWN}`)).toEqual(missing)
  })

  it('renamed: an event of every agent, terminated ones too', async () => {
    const fleet = await createFleet(running().rest)
    const agents = [await spawn(fleet), await spawn(fleet), await spawn(fleet)]
    await fleet.rest.delete(`${fleet.agents}/${agents[2]?.id}`)
    const slug = unique('renamed')
    const renamed = await fleet.rest.patch<Project>(`/projects/${fleet.project_id}`, { name: 'New', slug })
    expect(renamed.body).toMatchObject({ name: 'New', slug })
    const events = await readLog(fleet.rest, fleet.project_id, 4)
    expect(events.map(({ seq, name }) => [seq, name])).toEqual([5, 6, 7].map((seq) => [seq, 'agent.updated']))
    expect(events.map(({ agent }) => agent.id).sort()).toEqual(agents.map(({ id }) => id).sort())
    for (const { agent } of events) expect(agent).toMatchObject({ project_name: 'New', project_slug: slug })
    const read = await fleet.rest.get<Agent>(`${fleet.agents}/${agents[0]?.id}`)
    expect(read.body).toMatchObject({ project_name: 'New', project_slug: slug })
    expect((await spawn(fleet)).project_name).toBe('New')
  })

  it('a new description, or the same name, makes no event', async () => {
    const fleet = await createFleet(running().rest)
    await spawn(fleet)
    await fleet.rest.patch(`/projects/${fleet.project_id}`, { description: 'new', name: 'Line' })
    expect(await readLog(fleet.rest, fleet.project_id)).toHaveLength(1)
    const cleared = await fleet.rest.patch<Project>(`/projects/${fleet.project_id}`, { description: null })
    expect(cleared.body.description).toBeNull()
  })

  it('renamed while agents are spawned: every agent has the new name', async () => {
    const fleet = await createFleet(running().rest)
    const path = `/projects/${fleet.project_id}`
    const spawned = Promise.all(Array.from({ length: 60 }, () => spawn(fleet)))
    const renames = Promise.all(
      [1, 2, 3].map((index) => fleet.rest.patch<Failure>(path, { name: `New ${index}` })),
    )
    await spawned
    expect((await renames).map(({ status }) => status)).toEqual([200, 200, 200])
    const { name } = (await fleet.rest.get<Project>(path)).body
    const { data } = (await fleet.rest.get<{ data: Agent[] }>(`${fleet.agents}?limit=100`)).body
    expect(new Set(data.map((agent) => agent.project_name))).toEqual(new Set([name]))
  })

  it('cannot be deleted while an agent lives; then everything of it is gone', async () => {
    const fleet = await createFleet(running().rest)
    const { id } = await spawn(fleet)
    const path = `/projects/${fleet.project_id}`
    await fleet.rest.post(`${path}/issues`, { title: 'Fix', assigned_agent_id: id })
    await fleet.rest.post(`${fleet.agents}/${id}/pause`)
    expect(await fleet.rest.delete(path)).toEqual(refusal(409, 'DB_002', anything))
    expect((await fleet.rest.get<Agent>(`${fleet.agents}/${id}`)).body.status).toBe('paused')
    await fleet.rest.delete(`${fleet.agents}/${id}`)
    const deleted = await fleet.rest.delete<object>(path)
    expect(deleted.status).toBe(200)
    expect(deleted.body).toMatchObject({ success: true })
    const [entry] = await readAudit(running().rest, '&action=project_deleted')
    expect(entry).toMatchObject({ target_id: fleet.project_id, details: { name: expect.any(String) } })
    for (const gone of [path, fleet.agents, `${fleet.agents}/${id}`, `${path}/events`, `${path}/issues`]) {
      expect((await fleet.rest.get(gone)).status).toBe(404)
    }
  })

  it('deleted while agents are spawned: gone without them, or kept with all', async () => {
    const fleet = await createFleet(running().rest)
    const path = `/projects/${fleet.project_id}`
    const body = { agent_type_id: fleet.agent_type_id, name: 'Ada' }
    const spawned = Array.from({ length: 20 }, () => fleet.rest.post<Agent>(fleet.agents, body))
    const [deleted, ...answers] = await Promise.all([fleet.rest.delete(path), ...spawned])
    const statuses = new Set(answers.map(({ status }) => status))
    expect([...statuses, deleted.status].every((status) => [200, 201, 404, 409].includes(status))).toBe(true)
    const { body: left } = await fleet.rest.get<{ pagination: { total: number } }>(fleet.agents)
    if (deleted.status === 200) expect(statuses).toEqual(new Set([404]))
    else expect(left.pagination.total).toBe(20)
  })
})

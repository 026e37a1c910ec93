import { describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { type Agent, createFleet, spawn, unique } from '../support/rest.ts'
import { addUser, invalid, readLog, refusal, UNKNOWN, useApp, wrongValues } from './suite.ts'

type AgentType = {
  id: string
  name: string
  slug: string
  description: string | null
  is_active: boolean
  config: Record<string, unknown>
}
const anything = { message: expect.any(String) }

describe.each(backends)('agent types on $name', (backend) => {
  const running = useApp(backend)
  const create = (body: object = {}) =>
    running().rest.post<AgentType>('/agent-types', { name: 'Driver', slug: unique('type'), ...body })
  const patch = (id: string, body: object) => running().rest.patch<AgentType>(`/agent-types/${id}`, body)

  it('read the same after they were created and changed', async () => {
    const given = {
      name: 'Coder',
      slug: unique('coder'),
      description: 'text',
      config: { model: { size: 1 } },
    }
    const { status, body } = await create(given)
    expect(status).toBe(201)
    expect(body).toEqual({
      ...given,
      id: expect.any(String),
      is_active: true,
      created_at: expect.stringMatching(/T.*\.\d{3}Z$/),
      updated_at: expect.stringMatching(/T.*\.\d{3}Z$/),
    })
    expect((await running().rest.get<AgentType>(`/agent-types/${body.id}`)).body).toEqual(body)
    const change = { description: null, config: { list: [1] }, is_active: false }
    const changed = (await patch(body.id, change)).body
    expect(changed).toMatchObject({ ...given, ...change })
    expect((await running().rest.get<AgentType>(`/agent-types/${body.id}`)).body).toEqual(changed)
    const listed = await running().rest.get<{ data: AgentType[] }>('/agent-types?limit=1')
    expect(listed.body.data).toEqual([changed])
  })

  it('have unique slugs', async () => {
    const duplicate = refusal(409, 'DB_002', { message: expect.any(String), field: 'slug' })
    const [one, two] = [(await create()).body, (await create()).body]
    expect(await create({ slug: one.slug })).toEqual(duplicate)
    expect(await patch(two.id, { slug: one.slug })).toEqual(duplicate)
    expect((await patch(two.id, { slug: two.slug })).status).toBe(200)
  })

  it.each(
    wrongValues(
      ['name', ''],
      ['slug', 'No'],
      ['is_active', 1],
      ['config', 'text'],
      ['config', []],
      ['config', { a: 'x'.repeat(65_536) }],
      ['agents', []],
    ),
  )('refuse $field: $shown', async ({ field, value }) => {
    expect(await create({ [field]: value })).toEqual(invalid(field))
  })

  it('can be read by every user, and changed only by superusers', async () => {
    const { rest } = await addUser(running().rest)
    const { id } = (await create()).body
    expect((await rest.get('/agent-types')).status).toBe(200)
    expect((await rest.get(`/agent-types/${id}`)).status).toBe(200)
    const forbidden = refusal(403, 'AUTH_004', anything)
    expect(await rest.post('/agent-types', { name: 'x', slug: unique('x') })).toEqual(forbidden)
    expect(await rest.patch(`/agent-types/${id}`, { name: 'x' })).toEqual(forbidden)
    expect(await rest.delete(`/agent-types/${id}`)).toEqual(forbidden)
    const missing = refusal(404, 'SYS_002', { message: `Agent type ${UNKNOWN} not found` })
    expect(await running().rest.get(`/agent-types/${UNKNOWN}`)).toEqual(missing)
    expect(await running().rest.patch(`/agent-types/${UNKNOWN}`, { name: 'x' })).toEqual(missing)
    expect(await running().rest.delete(`/agent-types/${UNKNOWN}`)).toEqual(missing)
  })

  it('keep their agents when deactivated, and spawn no more until they are active again', async () => {
    const fleet = await createFleet(running().rest)
    const path = `/agent-types/${fleet.agent_type_id}`
    const agent = await spawn(fleet)
    expect((await running().rest.delete(path)).status).toBe(200)
    expect((await running().rest.get<AgentType>(path)).body.is_active).toBe(false)
    const refused = await fleet.rest.post(fleet.agents, { agent_type_id: fleet.agent_type_id, name: 'Ada' })
    expect(refused).toEqual(invalid('agent_type_id'))
    expect((await fleet.rest.post<Agent>(`${fleet.agents}/${agent.id}/pause`)).body.status).toBe('paused')
    await patch(fleet.agent_type_id, { is_active: true })
    expect((await spawn(fleet)).agent_type_id).toBe(fleet.agent_type_id)
  })

  it('give every agent of theirs an event when renamed, in every project, and no other agent', async () => {
    const one = await createFleet(running().rest)
    const two = { ...(await createFleet(running().rest)), agent_type_id: one.agent_type_id }
    const other = await createFleet(running().rest)
    for (const fleet of [one, one, two, other]) await spawn(fleet)
    await patch(one.agent_type_id, { name: 'Pilot', slug: unique('pilot') })
    await patch(one.agent_type_id, { name: 'Pilot', description: 'no event' })
    const seqs = async ({ rest, project_id }: typeof one) =>
      (await readLog(rest, project_id)).map(({ seq, name, agent }) => [seq, name, agent.agent_type_name])
    const renamed = (seq: number) => [seq, 'agent.updated', 'Pilot']
    expect((await seqs(one)).slice(2)).toEqual([renamed(3), renamed(4)])
    expect((await seqs(two)).slice(1)).toEqual([renamed(2)])
    expect(await seqs(other)).toHaveLength(1)
  })
})

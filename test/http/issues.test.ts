import { beforeEach, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { type Agent, createFleet, type Fleet, spawn } from '../support/rest.ts'
import { addUser, invalid, readLog, refusal, UNKNOWN, useApp, wrongValues } from './suite.ts'

type Issue = { id: string; title: string; status: string; assigned_agent_id: string | null }
type Page = { data: Issue[]; pagination: { total: number } }

describe.each(backends)('issues on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  let issues: string
  let agent: Agent
  beforeEach(async () => {
    fleet = await createFleet(running().rest)
    issues = `/projects/${fleet.project_id}/issues`
    agent = await spawn(fleet)
  })

  const create = async (body: object = {}) =>
    (await fleet.rest.post<Issue>(issues, { title: 'Fix', ...body })).body
  const patch = (issue: Issue, body: object) => fleet.rest.patch<Issue>(`${issues}/${issue.id}`, body)
  const remove = (issue: Issue) => fleet.rest.delete<object>(`${issues}/${issue.id}`)
  const countOf = async ({ id }: Agent) =>
    (await fleet.rest.get<Agent>(`${fleet.agents}/${id}`)).body.assigned_issues_count
  /** The count that each event after the spawns shows, by the agent's id. */
  const counts = async (spawned: number) =>
    (await readLog(fleet.rest, fleet.project_id, spawned)).map(({ name, agent }) => [
      name,
      agent.id,
      agent.assigned_issues_count,
    ])

  it('read the same after they were created and changed', async () => {
    const { status, body } = await fleet.rest.post<Issue>(issues, { title: ' Fix ' })
    expect(status).toBe(201)
    expect(body).toEqual({
      id: expect.any(String),
      project_id: fleet.project_id,
      title: 'Fix',
      description: null,
      status: 'open',
      assigned_agent_id: null,
      created_at: expect.stringMatching(/T.*\.\d{3}Z$/),
      updated_at: expect.stringMatching(/T.*\.\d{3}Z$/),
    })
    expect((await fleet.rest.get<Issue>(`${issues}/${body.id}`)).body).toEqual(body)
    const change = { title: 'Mend', description: 'how', status: 'in_progress', assigned_agent_id: agent.id }
    const changed = (await patch(body, change)).body
    expect(changed).toMatchObject(change)
    expect((await fleet.rest.get<Issue>(`${issues}/${body.id}`)).body).toEqual(changed)
    expect((await remove(body)).status).toBe(200)
    const missing = refusal(404, 'SYS_002', { message: expect.stringContaining(body.id) })
    expect(await fleet.rest.get(`${issues}/${body.id}`)).toEqual(missing)
    expect(await patch(body, { title: 'x' })).toEqual(missing)
    expect(await remove(body)).toEqual(missing)
  })

  it('are listed in pages, newest first, and by status', async () => {
    const [one, two] = [await create(), await create({ status: 'closed' })]
    const list = async (query: string) => (await fleet.rest.get<Page>(`${issues}${query}`)).body
    expect((await list('')).data).toEqual([two, one])
    expect(await list('?status=open')).toMatchObject({ data: [one], pagination: { total: 1 } })
    expect((await list('?limit=1&page=2')).data).toEqual([one])
    expect(await fleet.rest.get(`${issues}?status=done`)).toEqual(invalid('status'))
  })

  it.each(
    wrongValues(
      ['title', ' '],
      ['title', 'x'.repeat(256)],
      ['status', 'done'],
      ['assigned_agent_id', 'x'],
      ['description', 1],
      ['project_id', UNKNOWN],
    ),
  )('refuse $field: $shown', async ({ field, value }) => {
    expect(await fleet.rest.post(issues, { title: 'Fix', [field]: value })).toEqual(invalid(field))
  })

  it('give their agent an event when assigned, closed, reopened and deleted', async () => {
    const issue = await create({ assigned_agent_id: agent.id })
    await patch(issue, { status: 'in_progress' })
    await patch(issue, { status: 'closed', title: 'Done' })
    await patch(issue, { title: 'Really done' })
    await patch(issue, { status: 'open' })
    await remove(issue)
    const event = (count: number) => ['agent.updated', agent.id, count]
    expect(await counts(1)).toEqual([event(1), event(0), event(1), event(0)])
    expect(await countOf(agent)).toBe(0)
  })

  it('give both agents an event when reassigned', async () => {
    const other = await spawn(fleet)
    const issue = await create({ assigned_agent_id: agent.id })
    await patch(issue, { assigned_agent_id: other.id })
    await patch(issue, { assigned_agent_id: null })
    const log = await counts(2)
    expect(log[0]).toEqual(['agent.updated', agent.id, 1])
    const [low = '', high = ''] = [agent.id, other.id].sort()
    const both = { [agent.id]: 0, [other.id]: 1 }
    const moved = log.slice(1, 3).sort((one, two) => String(one[1]).localeCompare(String(two[1])))
    expect(moved).toEqual([low, high].map((id) => ['agent.updated', id, both[id]]))
    expect(log.slice(3)).toEqual([['agent.updated', other.id, 0]])
  })

  it('give no event while closed or unassigned', async () => {
    await create()
    const closed = await create({ status: 'closed', assigned_agent_id: agent.id })
    await patch(closed, { assigned_agent_id: null })
    await remove(closed)
    expect(await counts(1)).toEqual([])
  })

  it('can be assigned only to agents of their project', async () => {
    const elsewhere = await spawn(await createFleet(fleet.rest))
    const issue = await create()
    for (const assigned_agent_id of [elsewhere.id, UNKNOWN]) {
      const message = `Agent ${assigned_agent_id} not found in project ${fleet.project_id}`
      const missing = refusal(404, 'SYS_002', { message })
      expect(await fleet.rest.post(issues, { title: 'Fix', assigned_agent_id })).toEqual(missing)
      expect(await patch(issue, { title: 'Changed', assigned_agent_id })).toEqual(missing)
    }
    expect((await fleet.rest.get<Issue>(`${issues}/${issue.id}`)).body).toEqual(issue)
    const other = await createFleet(fleet.rest)
    expect((await fleet.rest.get(`/projects/${other.project_id}/issues/${issue.id}`)).status).toBe(404)
  })

  it('are hidden from strangers', async () => {
    const { rest } = await addUser(running().rest)
    const { id } = await create()
    const forbidden = refusal(403, 'AUTH_004', { message: 'You do not have access to this project' })
    expect(await rest.get(issues)).toEqual(forbidden)
    expect(await rest.post(issues, { title: 'x' })).toEqual(forbidden)
    expect(await rest.get(`${issues}/${id}`)).toEqual(forbidden)
    expect(await rest.patch(`${issues}/${id}`, {})).toEqual(forbidden)
    expect(await rest.delete(`${issues}/${id}`)).toEqual(forbidden)
  })

  it('leave the agent with the count of open issues when many are assigned and closed at once', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => create({ assigned_agent_id: agent.id })))
    expect(await countOf(agent)).toBe(20)
    const closes = made.slice(0, 12).flatMap((issue) => [patch(issue, { status: 'closed' }), remove(issue)])
    const busy = Array.from({ length: 12 }, (_, index) =>
      fleet.rest.patch(`${fleet.agents}/${agent.id}`, { tasks_completed: index + 1 }),
    )
    const statuses = (await Promise.all([...closes, ...busy])).map(({ status }) => status)
    expect(statuses.filter((status) => status !== 200 && status !== 404)).toEqual([])
    expect(await countOf(agent)).toBe(8)
  })
})

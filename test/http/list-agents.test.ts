import { beforeAll, describe, expect, it } from 'vitest'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import { backends } from '../support/backends.ts'
import { type Agent, type AgentMetrics, createFleet, type Fleet, spawn, unique } from '../support/rest.ts'
import { invalid, UNKNOWN, useApp } from './suite.ts'

type Pagination = {
  total: number
  page: number
  page_size: number
  total_pages: number
  has_next: boolean
  has_prev: boolean
}
type Page = { data: Agent[]; pagination: Pagination }

describe.each(backends)('listing agents on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await createFleet(running().rest)
    for (let index = 0; index < 25; index++) await spawn(fleet, { name: `agent ${index}` })
  })

  const list = async (query = '', of = fleet) => (await of.rest.get<Page>(`${of.agents}${query}`)).body
  const namesOf = async (q: string, of: Fleet) =>
    (await list(`?q=${encodeURIComponent(q)}`, of)).data.map(({ name }) => name).sort()

  it('gives twenty, the newest first, and says how many there are', async () => {
    const { data, pagination } = await list()
    expect(data.map(({ name }) => name)).toEqual(
      Array.from({ length: 20 }, (_, index) => `agent ${24 - index}`),
    )
    expect(pagination).toEqual({
      total: 25,
      page: 1,
      page_size: 20,
      total_pages: 2,
      has_next: true,
      has_prev: false,
    })
  })

  it('gives each agent exactly once over the pages, as GET gives it alone', async () => {
    const pages = await Promise.all([1, 2, 3, 4].map((page) => list(`?limit=7&page=${page}`)))
    const all = pages.flatMap(({ data }) => data)
    expect(new Set(all.map(({ id }) => id)).size).toBe(25)
    expect(pages.map(({ pagination }) => pagination.page_size)).toEqual([7, 7, 7, 4])
    expect(pages[3]?.pagination).toMatchObject({ total_pages: 4, has_next: false, has_prev: true })
    const [first] = all
    expect((await fleet.rest.get<Agent>(`${fleet.agents}/${first?.id}`)).body).toEqual(first)
  })

  it('is empty after the last page, with the same total, and for a project without agents', async () => {
    const after = { total: 25, page: 9, page_size: 0, total_pages: 2, has_next: false, has_prev: true }
    expect(await list('?page=9')).toEqual({ data: [], pagination: after })
    expect((await list('?page=1000000000&limit=100')).data).toEqual([])
    const none = { total: 0, page: 1, page_size: 0, total_pages: 0, has_next: false, has_prev: false }
    expect(await list('', await createFleet(fleet.rest))).toEqual({ data: [], pagination: none })
  })

  it('orders by id among equally new agents', async () => {
    const fresh = await createFleet(fleet.rest)
    const agents = await Promise.all(Array.from({ length: 40 }, () => spawn(fresh)))
    const order = (one: Agent, two: Agent) =>
      two.created_at.localeCompare(one.created_at) || two.id.localeCompare(one.id)
    const { data } = await list('?limit=100', fresh)
    expect(data).toEqual(agents.sort(order))
  })

  it('filters by status and by type, together too', async () => {
    const mixed = await createFleet(fleet.rest)
    const slug = unique('other')
    const other = (await fleet.rest.post<{ id: string }>('/agent-types', { name: 'Other', slug })).body
    await spawn(mixed, { name: 'a', status: 'working' })
    await spawn(mixed, { name: 'b', status: 'working', agent_type_id: other.id })
    await spawn(mixed, { name: 'c', agent_type_id: other.id })
    const names = async (query: string) => (await list(query, mixed)).data.map(({ name }) => name)
    expect(await names('?status=working')).toEqual(['b', 'a'])
    expect(await names(`?agent_type_id=${other.id}`)).toEqual(['c', 'b'])
    expect(await names(`?agent_type_id=${other.id}&status=working&q=B`)).toEqual(['b'])
    expect(await names('?status=terminated')).toEqual([])
    expect(await names(`?agent_type_id=${UNKNOWN}`)).toEqual([])
    expect((await list('?status=working&limit=1', mixed)).pagination).toMatchObject({
      total: 2,
      page_size: 1,
    })
  })

  it('finds names that contain q in any case, and takes % and _ literally', async () => {
    const named = await createFleet(fleet.rest)
    for (const name of ['50% done', '50 done', 'snake_case', 'snakeXcase', 'Ärger\\n', "o'hara", 'ADA']) {
      await spawn(named, { name })
    }
    expect(await namesOf('%', named)).toEqual(['50% done'])
    expect(await namesOf('_', named)).toEqual(['snake_case'])
    expect(await namesOf('\\', named)).toEqual(['Ärger\\n'])
    expect(await namesOf("'", named)).toEqual(["o'hara"])
    expect(await namesOf('ada', named)).toEqual(['ADA'])
    expect(await namesOf('SNAKE', named)).toEqual(['snakeXcase', 'snake_case'])
    expect(await namesOf('äRG', named)).toEqual(['Ärger\\n'])
    expect(await namesOf('', named)).toHaveLength(7)
  })

  it('refuses a wrong query, naming each parameter, and ignores unknown ones', async () => {
    const ask = (query: string) => fleet.rest.get(`${fleet.agents}?${query}`)
    for (const page of ['0', '-1', '1.5', 'x', '', '1e3'])
      expect(await ask(`page=${page}`)).toEqual(invalid('page'))
    for (const limit of ['0', '101', 'x']) expect(await ask(`limit=${limit}`)).toEqual(invalid('limit'))
    expect(await ask('status=asleep')).toEqual(invalid('status'))
    expect(await ask('agent_type_id=1')).toEqual(invalid('agent_type_id'))
    expect(await ask('page=0&limit=0&status=x')).toEqual(invalid('page', 'limit', 'status'))
    expect(await ask('q=%00')).toEqual(invalid('q'))
    expect((await ask('colour=%00')).status).toBe(200)
  })
})

describe.each(backends)('metrics on $name', (backend) => {
  const running = useApp(backend)

  it('of a project without agents are zeros', async () => {
    const fleet = await createFleet(running().rest)
    const { status, body } = await fleet.rest.get<AgentMetrics>(`${fleet.agents}/metrics`)
    expect(status).toBe(200)
    expect(body).toEqual({
      total_instances: 0,
      active_instances: 0,
      idle_instances: 0,
      total_tasks_completed: 0,
      total_tokens_used: 0,
      total_cost_incurred: '0.0000',
      by_status: Object.fromEntries(agentStatuses.map((status) => [status, 0])),
      connected_instances: 0,
    })
  })

  it('sum a project exactly, terminated agents too, and leave other projects out', async () => {
    const fleet = await createFleet(running().rest)
    await spawn(await createFleet(running().rest))
    const use = async (status: string, usage: object) => {
      const { id } = await spawn(fleet, { status })
      await fleet.rest.patch(`${fleet.agents}/${id}`, usage)
      return id
    }
    await use('idle', { tasks_completed: 1, tokens_used: 10, cost_incurred: '0.1' })
    await use('working', { tasks_completed: 2, tokens_used: 8_000_000_000_000_000, cost_incurred: '0.2' })
    await use('waiting', { cost_incurred: '9999999999.9999' })
    const ended = await use('working', { tokens_used: 1, cost_incurred: '0.0001' })
    await fleet.rest.delete(`${fleet.agents}/${ended}`)
    expect((await fleet.rest.get<AgentMetrics>(`${fleet.agents}/metrics`)).body).toEqual({
      total_instances: 4,
      active_instances: 1,
      idle_instances: 1,
      total_tasks_completed: 3,
      total_tokens_used: 8_000_000_000_000_011,
      total_cost_incurred: '10000000000.3000',
      by_status: { idle: 1, working: 1, waiting: 1, paused: 0, terminated: 1 },
      connected_instances: 0,
    })
    expect((await fleet.rest.get<AgentMetrics>(`${fleet.agents}/${ended}/metrics`)).body).toMatchObject({
      total_instances: 1,
      active_instances: 0,
      total_tokens_used: 1,
      total_cost_incurred: '0.0001',
      by_status: { terminated: 1, working: 0 },
    })
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Statement, statement } from '#src/store/database.ts'
import { backends } from '../support/backends.ts'
import { addKey, createCast } from '../support/cast.ts'
import { type Agent, createFleet, type Fleet, Rest, spawn, unique } from '../support/rest.ts'
import { Stage } from '../support/stage.ts'
import { invalid, refusal } from './suite.ts'

type Project = { id: string; agent_limit: number }
type Metrics = { by_status: Record<string, number> }

const counted: Statement = statement(
  'test_counted_agents',
  `select live_agents, live_agents_seq = event_seq as is_current,
     (select count(*) from agents where project_id = p.id and status <> 'terminated') as actual
   from projects p where id = $1`,
)
/** What a server of the release before does: it writes events and counts nothing. */
const uncount = statement('test_uncount', 'update projects set event_seq = event_seq + 1 where id = $1')

const full = (limit: number) =>
  refusal(409, 'DB_002', { message: `Project has reached its limit of ${limit} agents`, field: null })

describe.each(backends)('the limit of agents on the servers of $name', (backend) => {
  let stage: Stage
  let rests: Rest[]
  beforeAll(async () => {
    stage = await Stage.start(backend)
    rests = stage.origins.map((origin) => Rest.at(origin).as(stage.superuser.token))
  })
  afterAll(() => stage.stop())

  const limited = async (agent_limit: number): Promise<Fleet> => {
    const fleet = await createFleet(stage.superuser)
    await fleet.rest.patch(`/projects/${fleet.project_id}`, { agent_limit })
    return fleet
  }
  const trySpawn = (fleet: Fleet, rest = fleet.rest) =>
    rest.post<Agent>(fleet.agents, { agent_type_id: fleet.agent_type_id, name: 'Ada' })
  const live = async (fleet: Fleet) => {
    const { body } = await fleet.rest.get<Metrics>(`${fleet.agents}/metrics`)
    return Object.entries(body.by_status).reduce((sum, [name, n]) => sum + (name === 'terminated' ? 0 : n), 0)
  }
  const readCount = async ({ project_id }: Fleet) => (await stage.app.database.run(counted, [project_id]))[0]

  it('is 10,000, or what the maker or the owner of a project says', async () => {
    const make = (body: object) =>
      stage.superuser.post<Project>('/projects', { name: 'Line', slug: unique('line'), ...body })
    expect((await make({})).body.agent_limit).toBe(10_000)
    const { body } = await make({ agent_limit: 7 })
    expect(body.agent_limit).toBe(7)
    const path = `/projects/${body.id}`
    for (const agent_limit of [1, 1_000_000]) {
      expect((await stage.superuser.patch<Project>(path, { agent_limit })).body).toMatchObject({
        agent_limit,
      })
    }
    expect((await stage.superuser.patch<Project>(path, { name: 'Other' })).body.agent_limit).toBe(1_000_000)
    expect((await stage.superuser.get<Project>(path)).body.agent_limit).toBe(1_000_000)
    for (const agent_limit of [0, 1_000_001, 1.5, '5', null]) {
      expect(await stage.superuser.patch(path, { agent_limit })).toEqual(invalid('agent_limit'))
      expect(await make({ agent_limit })).toEqual(invalid('agent_limit'))
    }
  })

  it('is for owners alone to set', async () => {
    const { rests: cast, fleet } = await createCast(stage.superuser, stage.url)
    const path = `/projects/${fleet.project_id}`
    expect((await cast.owner.patch<Project>(path, { agent_limit: 5 })).body.agent_limit).toBe(5)
    expect(await cast.operator.patch(path, { agent_limit: 6 })).toMatchObject({ status: 403 })
  })

  it('refuses one more, by REST and by register, until one ends, however that happens', async () => {
    const fleet = await limited(2)
    const [first, second] = [await spawn(fleet), await spawn(fleet)]
    const { key } = await addKey(fleet.rest, { role: 'runtime', project_id: fleet.project_id })
    const runtime = await stage.connect(key)
    const register = { external_id: 'a', name: 'Ada', agent_type: fleet.agent_type_id }
    const tooMany = {
      type: 'error',
      id: expect.any(String),
      code: 'DB_002',
      message: 'Project has reached its limit of 2 agents',
    }
    expect(await trySpawn(fleet)).toEqual(full(2))
    expect(await runtime.register(register)).toEqual(tooMany)

    await fleet.rest.delete(`${fleet.agents}/${first.id}`)
    expect(await runtime.register(register)).toMatchObject({ registered: 'created' })
    expect(await trySpawn(fleet)).toEqual(full(2))
    // Whoever is there already comes back.
    expect(await runtime.register(register)).toMatchObject({ registered: 'found' })

    await runtime.attach(second.id)
    await runtime.report(second.id, { n: 1, status: 'terminated' })
    expect((await trySpawn(fleet)).status).toBe(201)
    await fleet.rest.post(`${fleet.agents}/actions`, { action: 'terminate', all: true })
    expect(await live(fleet)).toBe(0)
    expect([(await trySpawn(fleet)).status, (await trySpawn(fleet)).status]).toEqual([201, 201])
    expect(await trySpawn(fleet)).toEqual(full(2))
    expect(await readCount(fleet)).toEqual({ live_agents: 2, is_current: true, actual: 2 })
  })

  it('may be set below the present number, and then no more come', async () => {
    const fleet = await limited(5)
    await Promise.all(Array.from({ length: 5 }, () => spawn(fleet)))
    await fleet.rest.patch(`/projects/${fleet.project_id}`, { agent_limit: 1 })
    expect(await trySpawn(fleet)).toEqual(full(1))
    expect(await live(fleet)).toBe(5)
  })

  it('holds for 60 spawns at once over all servers', async () => {
    const fleet = await limited(23)
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, n) => trySpawn(fleet, rests[n % rests.length] as Rest)),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(23)
    const refused = answers.filter(({ status }) => status !== 201)
    expect(refused).toEqual(refused.map(() => full(23)))
    expect(await live(fleet)).toBe(23)
    expect(await readCount(fleet)).toEqual({ live_agents: 23, is_current: true, actual: 23 })
  })

  it('counts again what a server that does not count has changed', async () => {
    const fleet = await limited(3)
    const [agent] = [await spawn(fleet), await spawn(fleet)]
    await stage.app.database.run(uncount, [fleet.project_id])
    expect(await readCount(fleet)).toMatchObject({ is_current: false })
    await fleet.rest.delete(`${fleet.agents}/${agent.id}`)
    expect([(await trySpawn(fleet)).status, (await trySpawn(fleet)).status]).toEqual([201, 201])
    expect(await trySpawn(fleet)).toEqual(full(3))
    expect(await readCount(fleet)).toEqual({ live_agents: 3, is_current: true, actual: 3 })
  })
})

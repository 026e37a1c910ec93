import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Sql, statement } from '#src/store/database.ts'
import { type Backend, backends, sharedBackends } from '../support/backends.ts'
import { fillFleet, readLog } from '../support/load.ts'
import { type Agent, type AgentMetrics, createFleet, type Fleet, Rest, spawn } from '../support/rest.ts'
import { Stage } from '../support/stage.ts'
import { measureLongestTurn } from '../support/turns.ts'

function useStage(backend: Backend): () => Stage {
  let stage: Stage | undefined
  beforeAll(async () => {
    stage = await Stage.start(backend)
  })
  afterAll(() => stage?.stop())
  return () => {
    if (!stage) throw new Error('the servers of this suite have not started')
    return stage
  }
}

describe.each(backends)('orders for trees that grow at the same time on $name', (backend) => {
  const stage = useStage(backend)
  let fleet: Fleet
  /** The same fleet through each server. */
  let fleets: Fleet[]
  beforeEach(async () => {
    fleet = await createFleet(stage().superuser)
    const { token } = stage().superuser
    fleets = stage().origins.map((origin) => ({ ...fleet, rest: Rest.at(origin).as(token) }))
  })
  const through = (turn: number) => fleets[turn % fleets.length] as Fleet
  const readAll = async () => {
    const { body } = await fleet.rest.get<{ data: Agent[] }>(`${fleet.agents}?limit=100`)
    return body.data
  }
  /** Spawns below the root and each other, until the tree has ended. */
  const grow = async (root: Agent, turn: number) => {
    let last = root
    for (let size = 0; size < 6; size++) {
      const body = {
        agent_type_id: fleet.agent_type_id,
        name: 'Ada',
        status: 'working',
        parent_id: last.id,
      }
      const { status, body: child } = await through(turn + size).rest.post<Agent>(fleet.agents, body)
      if (status !== 201) return status
      last = size % 3 === 2 ? root : child
    }
    return 201
  }

  it('pause whatever a paused parent has, whenever it came', async () => {
    for (let round = 0; round < 4; round++) {
      const root = await spawn(fleet)
      const growing = [0, 1, 2].map((turn) => grow(root, turn))
      await expect
        .poll(async () => (await readAll()).filter(({ parent_id }) => parent_id === root.id).length)
        .toBeGreaterThan(0)
      const paused = await through(round).rest.post<Agent>(`${fleet.agents}/${root.id}/pause`)
      expect(paused.status).toBe(200)
      expect(await Promise.all(growing)).toEqual([201, 201, 201])
    }
    const agents = await readAll()
    expect(agents).toHaveLength(4 * 19)
    expect(new Set(agents.map(({ status }) => status))).toEqual(new Set(['paused']))
    const orders = agents.filter(({ control }) => control?.cause.kind === 'order')
    expect(orders.map(({ parent_id }) => parent_id)).toEqual([null, null, null, null])
    const resumed = await fleet.rest.post<{ affected_count: number }>(`${fleet.agents}/actions`, {
      action: 'resume',
      ids: orders.map(({ id }) => id),
    })
    expect(resumed.body).toMatchObject({ affected_count: 4 * 19 })
    const log = await readLog(fleet.rest, fleet.project_id)
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
    const last = new Map(log.map(({ agent }) => [agent.id, agent]))
    for (const { short_term_memory: _, ...agent } of await readAll()) {
      expect(last.get(agent.id)).toEqual(agent)
    }
  })

  it('leave none alive below a terminated parent', async () => {
    for (let round = 0; round < 4; round++) {
      const root = await spawn(fleet)
      const growing = [0, 1, 2].map((turn) => grow(root, turn))
      await expect
        .poll(async () => (await readAll()).filter(({ parent_id }) => parent_id === root.id).length)
        .toBeGreaterThan(0)
      expect((await through(round).rest.delete(`${fleet.agents}/${root.id}`)).status).toBe(200)
      for (const status of await Promise.all(growing)) expect([201, 422]).toContain(status)
    }
    expect(new Set((await readAll()).map(({ status }) => status))).toEqual(new Set(['terminated']))
  })

  it('give one of several orders for one tree, and keep the whole tree together', async () => {
    const root = await spawn(fleet)
    const child = await spawn(fleet, { parent_id: root.id })
    await spawn(fleet, { parent_id: child.id })
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, turn) =>
        through(turn).rest.post(`${fleet.agents}/${(turn < 6 ? root : child).id}/pause`),
      ),
    )
    expect(answers.slice(0, 6).filter(({ status }) => status === 200)).toHaveLength(1)
    for (const { status } of answers) expect([200, 422]).toContain(status)
    const log = await readLog(fleet.rest, fleet.project_id)
    expect(log.filter(({ to }) => to === 'paused')).toHaveLength(3)
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
  })
})

/** Hangs all other agents of the project $1 below the agent $2: a hundred are its children, and have the others. */
const hangBelow = statement(
  'test_hang_below',
  `with numbered as (
     select id, row_number() over (order by id desc) as n from agents where project_id = $1 and id <> $2
   ), placed as (
     select own.id, own.n <= 100 as is_child, parent.id as parent_id
     from numbered own join numbered parent on parent.n = own.n % 100 + 1
   )
   update agents a set has_children = is_child, depth = case when is_child then 2 else 3 end,
     parent_id = case when is_child then $2 else placed.parent_id end
   from placed where placed.id = a.id`,
)
const haveChildren = statement('test_have_children', 'update agents set has_children = true where id = $1')

async function growLarge(sql: Sql, fleet: Fleet, size: number): Promise<Agent> {
  await fleet.rest.patch(`/projects/${fleet.project_id}`, { agent_limit: size + 1 })
  await fillFleet(sql, fleet, { size })
  const root = await spawn(fleet)
  await sql.run(hangBelow, [fleet.project_id, root.id])
  await sql.run(haveChildren, [root.id])
  return root
}

describe.each(sharedBackends)('an order for a large tree on $name', (backend) => {
  const stage = useStage(backend)
  const SIZE = 10_000

  it('leaves the event loop free, and reaches everybody once', async () => {
    const fleet = await createFleet(stage().superuser)
    const root = await growLarge(stage().app.database, fleet, SIZE)
    const path = `${fleet.agents}/${root.id}`
    const counts = async () =>
      (await fleet.rest.get<AgentMetrics>(`${path}/metrics?tree=true`)).body.by_status
    for (const [action, status] of [
      ['pause', 'paused'],
      ['resume', 'idle'],
    ] as const) {
      let answer: { status: number; body: Agent } | undefined
      const { longest, total } = await measureLongestTurn(async () => {
        answer = await fleet.rest.post<Agent>(`${path}/${action}`)
      })
      expect(answer).toMatchObject({ status: 200, body: { id: root.id, status } })
      expect(longest / total).toBeLessThan(0.15)
      expect((await counts())[status]).toBe(SIZE + 1)
    }
    expect((await fleet.rest.delete(path)).status).toBe(200)
    expect((await counts()).terminated).toBe(SIZE + 1)
    const log = await readLog(fleet.rest, fleet.project_id)
    expect(log).toHaveLength(1 + 3 * (SIZE + 1))
    expect(new Set(log.map(({ agent }) => agent.id)).size).toBe(SIZE + 1)
  })
})

import { beforeAll, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { type Agent, type AgentMetrics, createFleet, type Fleet, spawn } from '../support/rest.ts'
import { invalid, readLog, refusal, UNKNOWN, useApp } from './suite.ts'

describe.each(backends)('trees of agents on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await createFleet(running().rest)
  })
  const path = ({ id }: Agent) => `${fleet.agents}/${id}`
  const under = (parent: Agent, own: object = {}) => spawn(fleet, { parent_id: parent.id, ...own })
  const trySpawn = (parent_id: unknown) =>
    fleet.rest.post(fleet.agents, { agent_type_id: fleet.agent_type_id, name: 'Ada', parent_id })
  const children = async (parent_id: string, query = '') =>
    (await fleet.rest.get<{ data: Agent[] }>(`${fleet.agents}?parent_id=${parent_id}${query}`)).body.data

  it('grow by spawns that name a parent, in any case', async () => {
    const root = await spawn(fleet)
    expect(root.parent_id).toBeNull()
    const child = await under(root)
    expect(child.parent_id).toBe(root.id)
    expect((await spawn(fleet, { parent_id: root.id.toUpperCase() })).parent_id).toBe(root.id)
    expect((await spawn(fleet, { parent_id: null })).parent_id).toBeNull()
    const events = await readLog(fleet.rest, fleet.project_id, child.seq - 1)
    expect(events[0]).toMatchObject({ name: 'agent.spawned', agent: { id: child.id, parent_id: root.id } })
    // The parent got no event: nothing that it shows has changed.
    expect((await fleet.rest.get<Agent>(path(root))).body).toEqual(root)
    expect(await fleet.rest.patch(path(child), { parent_id: null })).toEqual(invalid('parent_id'))
  })

  it('refuse a parent that is unknown, of another project, terminated or not an id', async () => {
    const elsewhere = await spawn(await createFleet(fleet.rest))
    const missing = 'Must be the id of a live agent of the same project'
    const ended = await spawn(fleet)
    await fleet.rest.delete(path(ended))
    for (const id of [UNKNOWN, elsewhere.id, ended.id]) {
      expect(await trySpawn(id)).toEqual(refusal(422, 'VAL_001', { message: missing, field: 'parent_id' }))
    }
    for (const id of ['Ada', 7, '']) expect(await trySpawn(id)).toEqual(invalid('parent_id'))
  })

  it('have at most 16 levels', async () => {
    let last = await spawn(fleet)
    for (let level = 2; level <= 16; level++) last = await under(last)
    const message = "A tree has at most 16 levels, and agent 'Ada' is on the last one"
    expect(await trySpawn(last.id)).toEqual(refusal(422, 'VAL_001', { message, field: 'parent_id' }))
  })

  it('list the children of an agent, newest first, with other filters and in steps', async () => {
    const root = await spawn(fleet)
    const [one, two] = [await under(root), await under(root, { status: 'working' })]
    await under(one)
    expect((await children(root.id)).map(({ id }) => id)).toEqual([two.id, one.id])
    expect((await children(root.id, '&status=idle')).map(({ id }) => id)).toEqual([one.id])
    const step = await children(root.id, '&cursor=&limit=1')
    expect(step.map(({ id }) => id)).toEqual([two.id])
    expect(await children(UNKNOWN)).toEqual([])
    expect(await fleet.rest.get(`${fleet.agents}?parent_id=Ada`)).toEqual(invalid('parent_id'))
  })

  it('sum up in the metrics of their root, ended agents included', async () => {
    const root = await spawn(fleet, { status: 'working' })
    const child = await under(root)
    const grandchild = await under(child)
    await under(grandchild, { status: 'working' })
    await under(await spawn(fleet), { status: 'working' })
    const used = [root, child, grandchild].map((agent, index) =>
      fleet.rest.patch(path(agent), { tokens_used: 10 ** index, tasks_completed: 1, cost_incurred: '0.5' }),
    )
    await Promise.all(used)
    await fleet.rest.delete(`${path(grandchild)}?cascade=false`)
    const metrics = async (query: string) =>
      (await fleet.rest.get<AgentMetrics>(`${path(root)}/metrics${query}`)).body
    const alone = { total_instances: 1, active_instances: 1, total_tokens_used: 1 }
    expect(await metrics('')).toMatchObject(alone)
    expect(await metrics('?tree=false')).toMatchObject(alone)
    expect(await metrics('?tree=true')).toMatchObject({
      total_instances: 4,
      active_instances: 2,
      idle_instances: 1,
      total_tasks_completed: 3,
      total_tokens_used: 111,
      total_cost_incurred: '1.5000',
      by_status: { idle: 1, working: 2, waiting: 0, paused: 0, terminated: 1 },
    })
    expect(await fleet.rest.get(`${path(root)}/metrics?tree=1`)).toEqual(invalid('tree'))
    expect(await fleet.rest.get(`${fleet.agents}/${UNKNOWN}/metrics?tree=true`)).toMatchObject({
      status: 404,
    })
  })

  it('start a child of a paused parent as paused, and ask its runtime to stop', async () => {
    const root = await spawn(fleet)
    await fleet.rest.post(`${path(root)}/pause`, { reason: 'storm', resume_after: 600, mode: 'interrupt' })
    const child = await under(root, { status: 'working' })
    expect(child).toMatchObject({ status: 'paused', pending_signals: 1 })
    expect(child.control).toMatchObject({
      kind: 'pause',
      state: 'pending',
      reason: 'storm',
      mode: 'interrupt',
      resume_at: null,
      cause: { kind: 'parent', id: root.id },
    })
    const [event] = await readLog(fleet.rest, fleet.project_id, child.seq - 1)
    expect(event).toMatchObject({ name: 'agent.spawned', signal: { id: child.control?.signal_id } })
    const { body } = await fleet.rest.get<{ data: object[] }>(`${path(child)}/signals`)
    expect(body.data).toMatchObject([{ id: child.control?.signal_id, kind: 'pause', outcome: null }])
  })

  it('leave a child that asks for paused itself to its own pause', async () => {
    const root = await spawn(fleet)
    expect((await under(root, { status: 'paused' })).control).toBeNull()
    await fleet.rest.post(`${path(root)}/pause`)
    const { control } = await under(root, { status: 'paused' })
    expect(control).toMatchObject({ kind: 'pause', cause: { kind: 'order', id: null } })
  })
})

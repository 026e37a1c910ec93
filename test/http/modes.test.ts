import { beforeAll, describe, expect, it } from 'vitest'
import { statement } from '#src/store/database.ts'
import { backends } from '../support/backends.ts'
import { type Agent, createFleet, type Fleet, spawn } from '../support/rest.ts'
import { invalid, useApp } from './suite.ts'

describe.each(backends)('the mode and the cause of an order on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await createFleet(running().rest)
  })
  const order = { kind: 'order', id: null }
  const pathOf = ({ id }: Agent) => `${fleet.agents}/${id}`
  const pause = (agent: Agent, body?: object) => fleet.rest.post<Agent>(`${pathOf(agent)}/pause`, body)
  const newest = async (agent: Agent) =>
    (await fleet.rest.get<{ data: { kind: string; mode: unknown }[] }>(`${pathOf(agent)}/signals`)).body
      .data[0]

  it('are checkpoint and an order for a pause that says nothing', async () => {
    const agent = await spawn(fleet)
    expect((await pause(agent)).body.control).toMatchObject({ mode: 'checkpoint', cause: order })
    expect(await newest(agent)).toMatchObject({ kind: 'pause', mode: 'checkpoint' })
  })

  it('are what the pause asks for, and null for the resume', async () => {
    const agent = await spawn(fleet)
    expect((await pause(agent, { mode: 'interrupt' })).body.control).toMatchObject({ mode: 'interrupt' })
    const { body } = await fleet.rest.post<Agent>(`${pathOf(agent)}/resume`)
    expect(body.control).toMatchObject({ kind: 'resume', mode: null, cause: order })
    expect(await newest(agent)).toMatchObject({ kind: 'resume', mode: null })
  })

  it('are in the query of a terminate', async () => {
    const [one, other] = [await spawn(fleet), await spawn(fleet)]
    await fleet.rest.delete(`${pathOf(one)}?mode=now`)
    await fleet.rest.delete(pathOf(other))
    expect((await fleet.rest.get<Agent>(pathOf(one))).body.control).toMatchObject({ mode: 'now' })
    expect((await fleet.rest.get<Agent>(pathOf(other))).body.control).toMatchObject({ mode: 'graceful' })
    expect(await newest(one)).toMatchObject({ kind: 'terminate', mode: 'now' })
  })

  it('are refused where the action does not have them', async () => {
    const agent = await spawn(fleet)
    expect(await pause(agent, { mode: 'now' })).toEqual(invalid('mode'))
    expect(await fleet.rest.post(`${pathOf(agent)}/resume`, { mode: 'now' })).toEqual(invalid('mode'))
    expect(await fleet.rest.delete(`${pathOf(agent)}?mode=interrupt`)).toEqual(invalid('mode'))
    const bulk = (body: object) => fleet.rest.post(`${fleet.agents}/actions`, { ids: [agent.id], ...body })
    expect(await bulk({ action: 'pause', mode: 'now' })).toEqual(invalid('mode'))
    expect(await bulk({ action: 'resume', mode: 'checkpoint' })).toEqual(invalid('mode'))
  })

  it('are the same for every agent of a bulk action', async () => {
    const agents = [await spawn(fleet), await spawn(fleet)]
    const body = { action: 'pause', ids: agents.map(({ id }) => id), mode: 'interrupt' }
    expect((await fleet.rest.post(`${fleet.agents}/actions`, body)).status).toBe(200)
    for (const agent of agents) {
      const { control } = (await fleet.rest.get<Agent>(pathOf(agent))).body
      expect(control).toMatchObject({ mode: 'interrupt', cause: order })
    }
  })

  it('say budget where the agent reached its own limit', async () => {
    const agent = await spawn(fleet, { token_limit: 5 })
    const { body } = await fleet.rest.patch<Agent>(pathOf(agent), { tokens_used: 5 })
    expect(body.control).toMatchObject({ mode: 'checkpoint', cause: { kind: 'budget', id: null } })
  })

  it('are filled in where a server of the release before wrote the order', async () => {
    const agent = await spawn(fleet)
    const paused = (await pause(agent)).body
    const { database } = running().app
    const before = statement(
      'controls_of_before',
      `update agents set control = control - 'mode' - 'cause' where id = $1`,
    )
    await database.run(before, [agent.id])
    await database.run(statement('signals_of_before', 'update signals set mode = null where agent_id = $1'), [
      agent.id,
    ])
    expect((await fleet.rest.get<Agent>(pathOf(agent))).body).toEqual(paused)
    expect(await newest(agent)).toMatchObject({ mode: 'checkpoint' })
  })
})

import { beforeAll, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { type Agent, createFleet, type Fleet, spawn, unique } from '../support/rest.ts'
import { invalid, readLog, refusal, useApp, wrongValues } from './suite.ts'

describe.each(backends)('the external_id of an agent on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await createFleet(running().rest)
  })
  const spawnAs = (external_id: unknown, of = fleet) =>
    of.rest.post<Agent>(of.agents, { agent_type_id: of.agent_type_id, name: 'Ada', external_id })
  const patch = ({ id }: Agent, body: object) => fleet.rest.patch<Agent>(`${fleet.agents}/${id}`, body)
  const end = ({ id }: Agent) => fleet.rest.delete(`${fleet.agents}/${id}`)
  const get = async ({ id }: Agent) => (await fleet.rest.get<Agent>(`${fleet.agents}/${id}`)).body
  const eventsAfter = (seq: number) => readLog(fleet.rest, fleet.project_id, seq)
  const takenBy = ({ id }: Agent) =>
    refusal(409, 'DB_002', { message: `Agent ${id} has this external_id`, field: 'external_id' })

  it('is null, or what the spawn or an update says, to the letter', async () => {
    expect((await spawn(fleet)).external_id).toBe(null)
    expect((await spawnAs(null)).body.external_id).toBe(null)
    for (const external_id of [`  ${unique('job')}\n`, '\u0041\u030a', '😀'.repeat(255)]) {
      const { body } = await spawnAs(external_id)
      expect(body.external_id).toBe(external_id)
      expect((await get(body)).external_id).toBe(external_id)
    }
    const [agent, name] = [await spawn(fleet), unique('job')]
    const { body } = await patch(agent, { external_id: name })
    expect(body).toMatchObject({ external_id: name, seq: agent.seq + 1 })
    expect(await eventsAfter(agent.seq)).toMatchObject([
      { name: 'agent.updated', agent: { external_id: name } },
    ])
    expect((await patch(agent, { external_id: name })).body.seq).toBe(body.seq)
    expect((await patch(agent, { external_id: null })).body).toMatchObject({ external_id: null })
  })

  it.each(
    wrongValues(
      ['external_id', ''],
      ['external_id', 'x'.repeat(256)],
      ['external_id', 7],
      ['external_id', 'a\0'],
    ),
  )('refuses $shown', async ({ value }) => {
    expect(await spawnAs(value)).toEqual(invalid('external_id'))
    expect(await patch(await spawn(fleet), { external_id: value })).toEqual(invalid('external_id'))
  })

  it('has one live agent in a project, and others in other projects', async () => {
    const name = unique('job')
    const { body: first } = await spawnAs(name)
    expect(await spawnAs(name)).toEqual(takenBy(first))
    const other = await spawn(fleet)
    expect(await patch(other, { external_id: name, current_task: 'x' })).toEqual(takenBy(first))
    expect(await get(other)).toEqual(other)
    expect((await spawnAs(name, await createFleet(running().rest))).status).toBe(201)
    await patch(first, { external_id: null })
    expect((await patch(other, { external_id: name })).body.external_id).toBe(name)
  })

  it('passes from a terminated agent to the live one that is given it, each with its event', async () => {
    const name = unique('job')
    const { body: first } = await spawnAs(name)
    await end(first)
    const { seq } = await get(first)
    expect((await get(first)).external_id).toBe(name)
    const { body: second } = await spawnAs(name)
    expect(second.external_id).toBe(name)
    expect(await eventsAfter(seq)).toMatchObject([
      { name: 'agent.updated', agent: { id: first.id, status: 'terminated', external_id: null } },
      { name: 'agent.spawned', agent: { id: second.id, external_id: name } },
    ])
    await end(second)
    const third = await spawn(fleet)
    expect((await patch(third, { external_id: name })).body.external_id).toBe(name)
    expect(
      (await eventsAfter(third.seq)).map(({ name, agent }) => [name, agent.id, agent.external_id]),
    ).toEqual([
      ['agent.updated', second.id, null],
      ['agent.updated', third.id, name],
    ])
  })

  it('may be released by a terminated agent, which changes nothing else', async () => {
    const name = unique('job')
    const { body: agent } = await spawnAs(name)
    await end(agent)
    expect(await patch(agent, { external_id: unique('job') })).toEqual(
      refusal(422, 'VAL_001', {
        message: "A terminated agent's external_id cannot change",
        field: 'external_id',
      }),
    )
    expect(await patch(agent, { external_id: null, current_task: 'x' })).toEqual(invalid('current_task'))
    expect((await patch(agent, { external_id: name })).status).toBe(200)
    const released = await patch(agent, { external_id: null, tokens_used: 5 })
    expect(released.body).toMatchObject({ external_id: null, tokens_used: 5, status: 'terminated' })
  })

  it('goes to one of 20 agents that ask for it at once', async () => {
    const name = unique('job')
    const spares = await Promise.all(Array.from({ length: 10 }, () => spawn(fleet)))
    const answers = await Promise.all([
      ...spares.map((agent) => patch(agent, { external_id: name })),
      ...spares.map(() => spawnAs(name)),
    ])
    const taken = answers.filter(({ status }) => status < 300)
    expect(taken).toHaveLength(1)
    const refused = answers.filter(({ status }) => status >= 300)
    expect(refused).toEqual(refused.map(() => takenBy((taken[0] as { body: Agent }).body)))
  })

  it('can be swapped between agents at once: whoever asks first wins, and nobody gets an error of the database', async () => {
    const names = Array.from({ length: 8 }, () => unique('job'))
    const holders = await Promise.all(names.map(async (name) => (await spawnAs(name)).body))
    const answers = await Promise.all(
      holders.flatMap((agent, n) => [
        patch(agent, { external_id: null }),
        patch(agent, { external_id: names[(n + 1) % names.length] }),
      ]),
    )
    expect(answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 409)).toEqual(
      [],
    )
    const held = (await Promise.all(holders.map(get))).flatMap(({ external_id }) => external_id ?? [])
    expect(new Set(held).size).toBe(held.length)
    expect(held.length).toBeGreaterThan(0)
  })

  it('is kept by an Idempotency-Key like anything else of a spawn', async () => {
    const headers = { 'idempotency-key': unique('key') }
    const body = { agent_type_id: fleet.agent_type_id, name: 'Ada', external_id: unique('job') }
    const first = await fleet.rest.call<Agent>('POST', fleet.agents, body, headers)
    expect(first.status).toBe(201)
    expect((await fleet.rest.call<Agent>('POST', fleet.agents, body, headers)).body).toEqual(first.body)
  })
})

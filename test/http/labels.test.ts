import { beforeAll, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { type Agent, createFleet, type Fleet, spawn } from '../support/rest.ts'
import { invalid, refusal, useApp } from './suite.ts'

describe.each(backends)('labels on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await createFleet(running().rest)
  })
  const patch = (agent: Agent, labels: unknown) =>
    fleet.rest.patch<Agent>(`${fleet.agents}/${agent.id}`, { labels })
  const spawnWith = (labels: unknown) =>
    fleet.rest.post<Agent>(fleet.agents, { agent_type_id: fleet.agent_type_id, name: 'Ada', labels })
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, 'v']))

  it('are none at first, or those of the spawn, whatever the key is called', async () => {
    expect((await spawn(fleet)).labels).toEqual({})
    const labels = { team: 'support', 'example.org/tier_1': 'v1.2-b_3', constructor: '', A: 'a'.repeat(63) }
    const agent = await spawn(fleet, { labels })
    expect(agent.labels).toEqual(labels)
    expect((await fleet.rest.get<Agent>(`${fleet.agents}/${agent.id}`)).body.labels).toEqual(labels)
  })

  it('are merged by an update, in which null removes one', async () => {
    const agent = await spawn(fleet, { labels: { team: 'support', tier: 'gold' } })
    const { body } = await patch(agent, { tier: null, zone: 'a', team: 'sales', missing: null })
    expect(body.labels).toEqual({ team: 'sales', zone: 'a' })
    expect((await patch(agent, {})).body.seq).toBe(body.seq)
    expect((await patch(agent, { zone: 'a' })).body.seq).toBe(body.seq)
  })

  it.each([
    ['a/', 'labels'],
    ['-a', 'labels'],
    ['', 'labels'],
    ['a'.repeat(64), 'labels'],
    ['a b', 'labels'],
    ['__proto__', 'labels'],
  ])('refuse the key %j', async (key, field) => {
    const labels = JSON.parse(`{${JSON.stringify(key)}:"v"}`)
    expect(await spawnWith(labels)).toEqual(invalid(field))
  })

  it.each(['a/b', '-', 'a'.repeat(64), 7, true, {}, 'a\n'])('refuse the value %j', async (value) => {
    expect(await spawnWith({ team: value })).toEqual(invalid('labels.team'))
    expect(await patch(await spawn(fleet), { team: value })).toEqual(invalid('labels.team'))
  })

  it('refuse null in a spawn, and what is no map', async () => {
    expect(await spawnWith({ team: null })).toEqual(invalid('labels.team'))
    const refused = refusal(422, 'VAL_001', { message: 'Must be an object', field: 'labels' })
    for (const value of [[], 'a', 7, null]) expect(await spawnWith(value)).toEqual(refused)
  })

  it('are at most 32, also after a merge', async () => {
    const tooMany = refusal(422, 'VAL_001', { message: 'Must have at most 32 labels', field: 'labels' })
    expect(await spawnWith(many(33))).toEqual(tooMany)
    const agent = await spawn(fleet, { labels: many(32) })
    expect(await patch(agent, { another: 'v' })).toEqual(tooMany)
    expect((await patch(agent, { another: 'v', k0: null })).status).toBe(200)
  })
})

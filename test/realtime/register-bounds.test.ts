import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { createFleet, type Fleet, spawn } from '../support/rest.ts'
import { Stage } from '../support/stage.ts'

const MAX_AGENTS = 1_000
const tooMany = {
  type: 'error',
  code: 'VAL_001',
  field: 'external_id',
  message: 'At most 1000 agents on one connection',
}

// What a socket holds is the same on each backend.
describe.each(backends.slice(-1))('registers on one socket of $name', (backend) => {
  let stage: Stage
  let fleet: Fleet
  beforeAll(async () => {
    stage = await Stage.start(backend)
    fleet = await createFleet(stage.superuser)
  })
  afterAll(() => stage.stop())

  it('count as attaches: 2,000 a second, and 1,000 agents', async () => {
    const runtime = await stage.connect(stage.superuser.token)
    const { project_id, agent_type_id: agent_type } = fleet
    const named = (external_id: string) => ({ project_id, external_id, name: 'Ada', agent_type })
    const spread = (count: number) =>
      Array.from({ length: count }, (_, n) => ({ type: 'register', ...named(`full-${n}`) }))
    const created = await runtime.answers(spread(MAX_AGENTS))
    expect(created.filter(({ registered }) => registered !== 'created')).toEqual([])
    expect(await runtime.register(named('more'))).toMatchObject(tooMany)
    // Over 1,000 messages within 10 s: as ordinary ones they would close the socket.
    const again = await runtime.answers(spread(100))
    expect(again.filter(({ registered }) => registered !== 'found')).toEqual([])

    // The name has passed to an agent that this socket does not have.
    const [first] = again
    await fleet.rest.patch(`${fleet.agents}/${first?.agent_id}`, { external_id: null })
    await spawn(fleet, { external_id: 'full-0' })
    expect(await runtime.register(named('full-0'))).toMatchObject(tooMany)
    await runtime.answer({ type: 'detach', agent_id: first?.agent_id })
    expect(await runtime.register(named('full-0'))).toMatchObject({ registered: 'found' })
    expect(await runtime.register(named('more'))).toMatchObject(tooMany)
  })
})

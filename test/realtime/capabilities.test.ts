import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readLog } from '../http/suite.ts'
import { backends } from '../support/backends.ts'
import { type Agent, createFleet, type Fleet, spawn } from '../support/rest.ts'
import { Stage } from '../support/stage.ts'

describe.each(backends)('what a runtime says of itself on $name', (backend) => {
  let stage: Stage
  let fleet: Fleet
  beforeAll(async () => {
    stage = await Stage.start(backend)
    fleet = await createFleet(stage.superuser)
  })
  afterAll(() => stage.stop())

  it('is in the answer, in the event and in the agent, until the next attach says something else', async () => {
    const agent = await spawn(fleet)
    expect(agent.runtime).toEqual({ connected: false, since: null, capabilities: [], client: null })
    const runtime = await stage.connect(stage.superuser.token)
    const attach = async (said: object, expected: object) => {
      const answer = await runtime.answer({ type: 'attach', agent_id: agent.id, ...said })
      const { runtime: shown } = (await fleet.rest.get<Agent>(`${fleet.agents}/${agent.id}`)).body
      expect(shown).toEqual({ connected: true, since: expect.any(String), ...expected })
      expect(answer).toMatchObject({ type: 'attached', agent: { runtime: shown } })
      const event = (await readLog(fleet.rest, fleet.project_id)).at(-1)
      expect(event).toMatchObject({ name: 'agent.runtime_connected', agent: { runtime: shown } })
    }
    const most = Array.from({ length: 32 }, (_, n) => `${'😀'.repeat(62)}${n + 10}`)
    const client = '😀'.repeat(128)
    await attach({ capabilities: most, client }, { capabilities: most, client })
    await attach({ capabilities: ['interrupt'] }, { capabilities: ['interrupt'], client: null })
    await attach({ client: 'test/2' }, { capabilities: [], client: 'test/2' })
    await attach({ client: null }, { capabilities: [], client: null })
    await attach({ capabilities: ['requests'], client: '' }, { capabilities: ['requests'], client: '' })
    await runtime.close()
    await expect
      .poll(async () => (await fleet.rest.get<Agent>(`${fleet.agents}/${agent.id}`)).body.runtime)
      .toEqual({ connected: false, since: expect.any(String), capabilities: ['requests'], client: '' })
  })

  it.each([
    ['capabilities', Array(33).fill('x')],
    ['capabilities.0', ['']],
    ['capabilities.1', ['x', 'x'.repeat(65)]],
    ['capabilities.0', [7]],
    ['capabilities', 'interrupt'],
    ['capabilities', null],
    ['client', 'x'.repeat(129)],
    ['client', 7],
  ])('is refused where %s is wrong: %j', async (field, value) => {
    const agent = await spawn(fleet)
    const runtime = await stage.connect(stage.superuser.token)
    const [key = ''] = field.split('.')
    expect(await runtime.answer({ type: 'attach', agent_id: agent.id, [key]: value })).toMatchObject({
      type: 'error',
      code: 'VAL_001',
      field,
    })
    expect((await fleet.rest.get<Agent>(`${fleet.agents}/${agent.id}`)).body).toEqual(agent)
  })
})

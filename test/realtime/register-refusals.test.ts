import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readLog } from '../http/suite.ts'
import { backends } from '../support/backends.ts'
import { type Cast, createCast, principals, type Who } from '../support/cast.ts'
import { type Agent, createFleet, type Fleet, spawn, unique } from '../support/rest.ts'
import { Stage } from '../support/stage.ts'

/** The contract's "whoever may attach", but for tokens of agents, which may register children alone. */
const may: Who[] = ['superuser', 'owner', 'project_key_runtime']
/** Their upgrade is refused. */
const strangers: Who[] = ['nobody', 'key_of_deactivated_member']
const others = principals.filter((who) => !may.includes(who) && !strangers.includes(who))

const UNKNOWN = '00000000-0000-4000-8000-000000000000'
const forbidden = { type: 'error', code: 'AUTH_004' }
const invalid = (field: string) => ({ type: 'error', code: 'VAL_001', field })
const many = (size: number) => Object.fromEntries(Array.from({ length: size }, (_, n) => [`k${n}`, 'v']))

describe.each(backends)('a register on $name', (backend) => {
  let stage: Stage
  let cast: Cast
  let fleet: Fleet
  beforeAll(async () => {
    stage = await Stage.start(backend)
    cast = await createCast(stage.superuser, stage.url)
    fleet = cast.fleet
  })
  afterAll(() => stage.stop())

  const connect = (who: Who) => stage.connect(cast.rests[who].token)
  const named = (own: object = {}) => ({
    project_id: fleet.project_id,
    external_id: unique('job'),
    name: 'Ada',
    agent_type: fleet.agent_type_id,
    ...own,
  })
  const end = (agent: Agent) => fleet.rest.delete(`${fleet.agents}/${agent.id}`)
  const read = async (agent: Agent) => (await fleet.rest.get<Agent>(`${fleet.agents}/${agent.id}`)).body
  const lastSeq = async () => {
    const { body } = await fleet.rest.get<{ last_seq: number }>(`/projects/${fleet.project_id}/events`)
    return body.last_seq
  }

  it.each(may)('is allowed to %s, who spawns and finds', async (who) => {
    const runtime = await connect(who)
    const message = named()
    expect(await runtime.register(message)).toMatchObject({ registered: 'created' })
    expect(await runtime.register(message)).toMatchObject({ registered: 'found', lease: 2 })
  })

  it.each(others)('is not allowed to %s, neither to spawn nor to find', async (who) => {
    const agent = await spawn(fleet, { external_id: unique('job') })
    const seq = await lastSeq()
    const socket = await connect(who)
    for (const external_id of [unique('job'), agent.external_id]) {
      expect(await socket.register(named({ external_id }))).toMatchObject(forbidden)
    }
    expect(await lastSeq()).toBe(seq)
  })

  it('with the token of an agent is for its children alone', async () => {
    const parent_id = cast.agent.id
    const token = await connect('agent_token')
    const message = named({ parent_id })
    expect(await token.register(message)).toMatchObject({
      registered: 'created',
      agent: { parent_id, project_id: fleet.project_id },
    })
    const again = await token.register({ ...message, project_id: undefined })
    expect(again).toMatchObject({ registered: 'found' })
    const agent_id = again.agent_id as string
    expect(await token.report(agent_id, { n: 1 })).toMatchObject({ n: 1 })
    const [created] = (await readLog(fleet.rest, fleet.project_id)).filter(
      ({ agent }) => agent.id === agent_id,
    )
    expect(created).toMatchObject({ name: 'agent.spawned', actor: { kind: 'runtime', id: parent_id } })

    const stranger = await spawn(fleet, { external_id: unique('job') })
    const ended = await spawn(fleet, { external_id: unique('job') })
    await end(ended)
    for (const external_id of [stranger.external_id, ended.external_id]) {
      expect(await token.register(named({ parent_id, external_id }))).toMatchObject(forbidden)
    }
    for (const other of [stranger.id, UNKNOWN, null, undefined]) {
      expect(await token.register(named({ parent_id: other }))).toMatchObject(forbidden)
    }
    expect(await token.answer({ type: 'attach', agent_id: stranger.id })).toMatchObject(forbidden)
    await fleet.rest.delete(`${fleet.agents}/${agent_id}`)
    expect(await token.register(message)).toMatchObject({ code: 'RT_003' })
  })

  it('names a live agent of the project as the parent', async () => {
    const runtime = await connect('project_key_runtime')
    const parent = await spawn(fleet)
    const child = await runtime.register(named({ parent_id: parent.id }))
    expect(child).toMatchObject({ agent: { parent_id: parent.id } })
    const foreign = await spawn(await createFleet(stage.superuser))
    await end(parent)
    for (const parent_id of [parent.id, foreign.id, UNKNOWN]) {
      expect(await runtime.register(named({ parent_id }))).toMatchObject(invalid('parent_id'))
    }
  })

  it('starts its agent paused under a paused parent, and tells its runtime', async () => {
    const runtime = await connect('project_key_runtime')
    const parent = await spawn(fleet)
    await fleet.rest.post(`${fleet.agents}/${parent.id}/pause`, { reason: 'wait' })
    const child = await runtime.register(named({ parent_id: parent.id }))
    expect(child).toMatchObject({
      registered: 'created',
      pending_signals: 1,
      agent: { status: 'paused', control: { reason: 'wait', cause: { kind: 'parent', id: parent.id } } },
    })
    expect(await runtime.signal()).toMatchObject({ kind: 'pause', attempt: 1, reason: 'wait' })
    await fleet.rest.post(`${fleet.agents}/${parent.id}/resume`)
    expect(await runtime.signal()).toMatchObject({ kind: 'resume' })
  })

  it('names an active type', async () => {
    const runtime = await connect('project_key_runtime')
    const { body: type } = await stage.superuser.post<{ id: string; slug: string }>('/agent-types', {
      name: 'Old',
      slug: unique('old'),
      is_active: false,
    })
    for (const agent_type of [type.id, type.slug]) {
      expect(await runtime.register(named({ agent_type }))).toMatchObject({
        ...invalid('agent_type'),
        message: "Agent type 'Old' is inactive and cannot be used",
      })
    }
    for (const agent_type of [UNKNOWN, 'no-such-type', 'Not A Slug']) {
      expect(await runtime.register(named({ agent_type }))).toMatchObject({ code: 'SYS_002' })
    }
  })

  it('names its project, unless the credential belongs to one', async () => {
    const key = await connect('project_key_runtime')
    const created = await key.register(named({ project_id: undefined }))
    expect(created).toMatchObject({ agent: { project_id: fleet.project_id } })
    const elsewhere = await createFleet(stage.superuser)
    expect(await key.register(named({ project_id: elsewhere.project_id }))).toMatchObject(forbidden)
    expect(await key.register(named({ project_id: UNKNOWN }))).toMatchObject({ code: 'SYS_002' })

    for (const who of ['superuser', 'owner'] as const) {
      const socket = await connect(who)
      expect(await socket.register(named({ project_id: undefined }))).toMatchObject(invalid('project_id'))
      expect(await socket.register(named({ project_id: UNKNOWN }))).toMatchObject({ code: 'SYS_002' })
      expect(await socket.register(named())).toMatchObject({ registered: 'created' })
    }
  })

  it.each([
    ['external_id', undefined],
    ['external_id', null],
    ['external_id', ''],
    ['external_id', 'x'.repeat(256)],
    ['name', undefined],
    ['name', ' '],
    ['name', 'x'.repeat(256)],
    ['agent_type', undefined],
    ['agent_type', ''],
    ['agent_type', 7],
    ['project_id', 'x'],
    ['project_id', null],
    ['parent_id', 'x'],
    ['token_limit', -1],
    ['token_limit', 0.5],
    ['cost_limit', '1.00001'],
    ['labels', null],
    ['labels', many(33)],
    ['labels.team', { team: null }],
    ['labels.team', { team: 'a b' }],
    ['labels', { 'a/': 'v' }],
    ['capabilities', null],
    ['capabilities', 'interrupt'],
    ['capabilities', Array(33).fill('x')],
    ['capabilities.0', ['']],
    ['capabilities.1', ['a', 'x'.repeat(65)]],
    ['client', 'x'.repeat(129)],
    ['status', 'working'],
    ['agent_id', UNKNOWN],
  ])('refuses a wrong %s: %j', async (field, value) => {
    const [key = ''] = field.split('.')
    const runtime = await connect('project_key_runtime')
    expect(await runtime.register(named({ [key]: value }))).toMatchObject(invalid(field))
  })

  it('refuses labels that would be too many with those of the agent, which then stays as it is', async () => {
    const agent = await spawn(fleet, { external_id: unique('job'), labels: many(32) })
    const runtime = await connect('project_key_runtime')
    const { external_id } = agent
    expect(await runtime.register(named({ external_id, labels: { more: 'x' } }))).toMatchObject({
      ...invalid('labels'),
      message: 'Must have at most 32 labels',
    })
    expect(await read(agent)).toEqual(agent)
    expect(await runtime.register(named({ external_id, labels: { k0: 'x' } }))).toMatchObject({
      registered: 'found',
      agent: { labels: { ...many(32), k0: 'x' } },
    })
  })
})

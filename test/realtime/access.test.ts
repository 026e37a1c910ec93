import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { type Cast, createCast, principals, type Who } from '../support/cast.ts'
import { eventually } from '../support/eventually.ts'
import { type Agent, createFleet, spawn } from '../support/rest.ts'
import { Stage } from '../support/stage.ts'

/** The REST contract's "Who may do what" for the operations of a socket, written by hand. */
const watchers: Who[] = [
  'superuser',
  'owner',
  'operator',
  'viewer',
  'project_key_operator',
  'project_key_viewer',
  'caller_key_operator',
  'caller_key_viewer',
  'caller_key_of_viewer',
  'key_of_demoted_member',
]
const runtimes: Who[] = ['superuser', 'owner', 'project_key_runtime', 'agent_token']
/** Their upgrade is refused. */
const strangers: Who[] = ['nobody', 'key_of_deactivated_member']
const connected = principals.filter((who) => !strangers.includes(who))
const without = (may: readonly Who[]) => connected.filter((who) => !may.includes(who))

const UNKNOWN = '00000000-0000-4000-8000-000000000000'
const forbidden = { type: 'error', code: 'AUTH_004' }

describe.each(backends)('on a socket of $name', (backend) => {
  let stage: Stage
  let cast: Cast
  let project_id: string
  beforeAll(async () => {
    stage = await Stage.start(backend)
    cast = await createCast(stage.superuser, stage.url)
    project_id = cast.fleet.project_id
  })
  afterAll(() => stage.stop())

  const connect = (who: Who) => stage.connect(cast.rests[who].token)
  const read = async () => (await cast.fleet.rest.get<Agent>(`${cast.fleet.agents}/${cast.agent.id}`)).body
  const lastSeq = async () => {
    const { body } = await cast.fleet.rest.get<{ last_seq: number }>(`/projects/${project_id}/events`)
    return body.last_seq
  }

  it.each(watchers)('%s watches a project from its first event', async (who) => {
    const socket = await connect(who)
    const newest = await lastSeq()
    expect(await socket.answer({ type: 'subscribe', project_id })).toMatchObject({ type: 'subscribed' })
    await socket.next('snapshot')
    expect(await socket.answer({ type: 'subscribe', project_id, after: 0 })).toMatchObject({ resumed: true })
    await socket.next((frame) => frame.seq === newest && frame.type === 'event')
    expect(socket.events().map(({ seq }) => seq)).toEqual(Array.from({ length: newest }, (_, n) => n + 1))
    const stream = await stage.stream(cast.rests[who].token, { project_id, after: 0 })
    expect(stream.status).toBe(200)
    await stream.until((events) => events.length >= newest)
    expect(stream.events.map(({ id }) => id)).toEqual(Array.from({ length: newest }, (_, n) => n + 1))
  })

  it.each(without(watchers))('%s may watch neither an old nor a new project', async (who) => {
    const socket = await connect(who)
    for (const after of [undefined, 0, 1, 1_000_000]) {
      expect(await socket.answer({ type: 'subscribe', project_id, after })).toMatchObject(forbidden)
    }
    for (const after of [undefined, 0]) {
      const stream = await stage.stream(cast.rests[who].token, { project_id, after })
      expect(stream.status).toBe(403)
    }
    await cast.fleet.rest.post(`${cast.fleet.agents}/${cast.agent.id}/signals`, {
      kind: 'message',
      payload: {},
    })
    await socket.answer({ type: 'ping' })
    expect(socket.frames.map(({ type }) => type)).toEqual(['hello', ...Array(4).fill('error'), 'pong'])
  })

  it.each(runtimes)('%s attaches the agent, reports and acknowledges for it', async (who) => {
    const agent_id = cast.agent.id
    const socket = await connect(who)
    const { last_report } = await socket.attach(agent_id)
    await cast.fleet.rest.post(`${cast.fleet.agents}/${agent_id}/signals`, { kind: 'message', payload: {} })
    const signal = await socket.signal()
    const acknowledged = { type: 'acknowledged', outcome: 'done' }
    expect(
      await socket.answer({ type: 'ack', agent_id, signal_id: signal.id, outcome: 'done' }),
    ).toMatchObject(acknowledged)
    const report = { type: 'report', agent_id, n: (last_report as number) + 1 }
    expect(await socket.answer(report)).toMatchObject({ type: 'reported' })
    await socket.close()
    await eventually(async () => !(await read()).runtime.connected)
  })

  it.each(without(runtimes))('%s may not attach, report or acknowledge for the agent', async (who) => {
    const agent_id = cast.agent.id
    const sent = await cast.fleet.rest.post<{ id: string }>(`${cast.fleet.agents}/${agent_id}/signals`, {
      kind: 'message',
      payload: {},
    })
    const before = await read()
    const socket = await connect(who)
    expect(await socket.answer({ type: 'attach', agent_id })).toMatchObject(forbidden)
    for (const message of [
      { type: 'report', n: 1_000, status: 'working' },
      { type: 'ack', signal_id: sent.body.id, outcome: 'done' },
      { type: 'detach' },
    ]) {
      expect(await socket.answer({ ...message, agent_id })).toMatchObject({ type: 'error', code: 'RT_001' })
    }
    expect(await read()).toEqual(before)
  })

  it('a key for runtimes and the token of an agent reach only what they are made for', async () => {
    const other = await spawn(cast.fleet, { name: 'Other' })
    const elsewhere = await createFleet(stage.superuser)
    const foreign = await spawn(elsewhere)
    const key = await connect('project_key_runtime')
    expect(await key.answer({ type: 'attach', agent_id: other.id })).toMatchObject({ type: 'attached' })
    expect(await key.answer({ type: 'attach', agent_id: foreign.id })).toMatchObject(forbidden)
    expect(await key.answer({ type: 'attach', agent_id: UNKNOWN })).toMatchObject({ code: 'SYS_002' })
    expect(await key.answer({ type: 'subscribe', project_id: elsewhere.project_id })).toMatchObject(forbidden)
    const token = await connect('agent_token')
    for (const agent_id of [other.id, foreign.id, UNKNOWN]) {
      expect(await token.answer({ type: 'attach', agent_id })).toMatchObject(forbidden)
    }
    // The token may not act for an agent that the key has attached.
    expect(await token.answer({ type: 'report', agent_id: other.id, n: 1 })).toMatchObject({ code: 'RT_001' })
  })

  it('a client without credentials may only authenticate, and bad credentials get no socket', async () => {
    const socket = await stage.connect(undefined)
    const agent_id = cast.agent.id
    for (const message of [
      { type: 'subscribe', project_id, after: 0 },
      { type: 'attach', agent_id },
      { type: 'report', agent_id, n: 1 },
      { type: 'ack', agent_id, signal_id: agent_id, outcome: 'done' },
      { type: 'nonsense' },
    ]) {
      expect(await socket.answer(message)).toMatchObject({ type: 'error', code: 'AUTH_006' })
    }
    expect((await stage.stream(undefined, { project_id })).status).toBe(401)
    const { token } = cast.rests.key_of_deactivated_member
    await expect(stage.connect(token)).rejects.toThrow('closed')
    expect((await stage.stream(token, { project_id, after: 0 })).status).toBe(401)
    expect(await socket.answer({ type: 'auth', token })).toMatchObject({ type: 'error', code: 'AUTH_003' })
    expect(await socket.closed).toBe(4401)
  })

  it('every principal gets the same answer for an unknown project', async () => {
    for (const who of ['superuser', 'outsider', 'project_key_viewer', 'project_key_runtime'] as const) {
      const socket = await connect(who)
      const answer = await socket.answer({ type: 'subscribe', project_id: UNKNOWN })
      expect(answer).toMatchObject({ type: 'error', code: 'SYS_002' })
      const stream = await stage.stream(cast.rests[who].token, { project_id: UNKNOWN })
      expect(stream.status).toBe(404)
    }
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { App } from '#src/server/app.ts'
import { backends, startApp } from '../support/backends.ts'
import { type Agent, createFleet, Rest, spawn } from '../support/rest.ts'
import { Watcher } from '../support/watcher.ts'

describe.each(backends)('watching a project on $name', ({ config }) => {
  let app: App
  let rest: Rest
  let url: string

  beforeAll(async () => {
    app = await startApp(await config())
    const { port } = await app.listen()
    url = `ws://127.0.0.1:${port}/api/v1/ws`
    rest = await Rest.of(app).signIn()
  })
  afterAll(() => app.stop())

  const open = (options = {}) => new Watcher(url, { token: rest.token, ...options })
  const connect = async (options = {}) => {
    const watcher = open(options)
    await watcher.next('hello')
    return watcher
  }

  it('begins with a hello that has the protocol and the principal of the upgrade', async () => {
    const watcher = open()
    expect(await watcher.next('hello')).toMatchObject({
      protocol: 'signalbox.v1',
      heartbeat_ms: 15_000,
      principal: { kind: 'user', role: 'superuser' },
    })
    await watcher.close()
  })

  it('lets a browser authenticate by message, and refuses all messages before that', async () => {
    const watcher = open({ token: undefined })
    expect(await watcher.next('hello')).toMatchObject({ principal: null })
    expect(await watcher.ask({ type: 'ping', id: 'early' }, 'error')).toMatchObject({
      code: 'AUTH_006',
      id: 'early',
    })
    const authenticated = await watcher.ask({ type: 'auth', token: rest.token }, 'authenticated')
    expect(authenticated.principal).toMatchObject({ kind: 'user' })
    expect(await watcher.ask({ type: 'ping', id: '1' }, 'pong')).toMatchObject({ id: '1' })
    await watcher.close()
  })

  it('closes with 4401 after a bad token, 4406 for another subprotocol, 1003 for a binary frame', async () => {
    const bad = await connect({ token: undefined })
    bad.send({ type: 'auth', token: 'nonsense' })
    expect(await bad.closed).toBe(4401)

    const other = open({ protocols: ['mqtt'] })
    expect(await other.closed).toBe(4406)
    expect(other.socket.protocol).toBe('mqtt')

    const binary = await connect()
    binary.socket.send(Buffer.from([1, 2, 3]))
    expect(await binary.closed).toBe(1003)
  })

  it('answers an upgrade with bad credentials or a foreign origin with an HTTP error', async () => {
    const refused = (options: object) =>
      new Promise<number | undefined>((resolve) => {
        const watcher = open(options)
        watcher.socket.on('unexpected-response', (_request, response) => resolve(response.statusCode))
      })
    expect(await refused({ token: 'nonsense' })).toBe(401)
    expect(await refused({ headers: { origin: 'https://elsewhere.example' } })).toBe(403)
  })

  it('answers an error with the id of its message, and keeps the socket open', async () => {
    const watcher = await connect()
    watcher.send('not json')
    expect(await watcher.next('error')).toMatchObject({ code: 'VAL_006' })
    const ask = (message: object) => watcher.ask(message, 'error')
    expect(await ask({ type: 'dance', id: 'a' })).toMatchObject({ code: 'VAL_001', id: 'a', field: 'type' })
    expect(await ask({ type: 'ping', id: 'b', more: 1 })).toMatchObject({
      code: 'VAL_001',
      id: 'b',
      field: 'more',
    })
    expect(await ask({ type: 'subscribe', id: 'c', project_id: 'x' })).toMatchObject({
      code: 'VAL_001',
      field: 'project_id',
    })
    const unknown = '00000000-0000-4000-8000-000000000000'
    expect(await ask({ type: 'subscribe', id: 'd', project_id: unknown })).toMatchObject({
      code: 'SYS_002',
      id: 'd',
    })
    expect(await watcher.ask({ type: 'ping', id: 'e' }, 'pong')).toMatchObject({ id: 'e' })
    await watcher.close()
  })

  it('sends a snapshot, then every change once, in order', async () => {
    const fleet = await createFleet(rest)
    const first = await spawn(fleet, { short_term_memory: { a: 1 } })
    const watcher = await connect()
    const subscribed = await watcher.ask(
      { type: 'subscribe', id: 's', project_id: fleet.project_id },
      'subscribed',
    )
    expect(subscribed).toMatchObject({ id: 's', seq: 1, resumed: false })
    const snapshot = await watcher.next('snapshot')
    const { short_term_memory: _, ...summary } = first
    expect(snapshot).toEqual({
      type: 'snapshot',
      project_id: fleet.project_id,
      seq: 1,
      epoch: 1,
      agents: [summary],
      last: true,
    })
    const paused = await rest.post<Agent>(`${fleet.agents}/${first.id}/pause`, { reason: 'lunch' })
    const event = await watcher.next('event')
    const { short_term_memory: __, ...pausedSummary } = paused.body
    expect(event).toMatchObject({
      seq: 2,
      name: 'agent.status_changed',
      from: 'idle',
      to: 'paused',
      agent: pausedSummary,
      signal: { kind: 'pause', reason: 'lunch', id: paused.body.control?.signal_id, attempt: 1 },
    })
    await rest.delete(`${fleet.agents}/${first.id}`)
    expect(await watcher.next('event')).toMatchObject({ seq: 3, name: 'agent.terminated', to: 'terminated' })

    watcher.send({ type: 'unsubscribe', project_id: fleet.project_id })
    await watcher.next('unsubscribed')
    await spawn(fleet)
    await watcher.ask({ type: 'ping' }, 'pong')
    expect(watcher.events().map((frame) => frame.seq)).toEqual([2, 3])
    await watcher.close()
  })

  it('keeps several projects on one socket apart', async () => {
    const [one, two] = [await createFleet(rest), await createFleet(rest)]
    const watcher = await connect()
    for (const { project_id } of [one, two]) await watcher.ask({ type: 'subscribe', project_id }, 'snapshot')
    await spawn(two)
    expect(await watcher.next('event')).toMatchObject({ project_id: two.project_id, seq: 1 })
    await spawn(one)
    expect(await watcher.next('event')).toMatchObject({ project_id: one.project_id, seq: 1 })
    await watcher.close()
  })

  it('gives the state of REST by snapshot and events while 1,200 agents change', async () => {
    const fleet = await createFleet(rest)
    const ids: string[] = []
    for (let batch = 0; batch < 24; batch++) {
      const names = Array.from({ length: 50 }, (_, index) => `agent ${batch}-${index}`)
      ids.push(...(await Promise.all(names.map((name) => spawn(fleet, { name })))).map((agent) => agent.id))
    }
    const watcher = await connect()
    const changes = ids
      .slice(0, 100)
      .map((id) => rest.patch(`${fleet.agents}/${id}`, { status: 'working', current_task: 'drive' }))
    watcher.send({ type: 'subscribe', project_id: fleet.project_id })
    await Promise.all(changes)
    const last = 1_300
    const subscribed = await watcher.next('subscribed')
    await watcher.next((frame) => frame.type === 'snapshot' && frame.last === true)
    if ((subscribed.seq as number) < last) await watcher.next((frame) => frame.seq === last)

    const agentsById = new Map<string, AgentSummary>()
    for (const frame of watcher.frames) {
      if (frame.type === 'snapshot') for (const agent of frame.agents) agentsById.set(agent.id, agent)
      if (frame.type === 'event' && frame.agent) agentsById.set(frame.agent.id, frame.agent)
    }
    const listed = new Map<string, AgentSummary>()
    for (let page = 1; page <= 12; page++) {
      const { body } = await rest.get<{ data: Agent[] }>(`${fleet.agents}?limit=100&page=${page}`)
      for (const { short_term_memory: _, ...agent } of body.data) listed.set(agent.id, agent)
    }
    expect(listed.size).toBe(1_200)
    expect(agentsById).toEqual(listed)
    await watcher.close()
  })

  it('ends with a reason when the project is deleted', async () => {
    const fleet = await createFleet(rest)
    const watcher = await connect()
    await watcher.ask({ type: 'subscribe', project_id: fleet.project_id }, 'snapshot')
    expect((await rest.delete(`/projects/${fleet.project_id}`)).status).toBe(200)
    expect(await watcher.next('unsubscribed')).toMatchObject({ reason: 'deleted' })
    await watcher.close()
  })
})

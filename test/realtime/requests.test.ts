import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AgentRequest } from '#src/domain/request.ts'
import { MAX_OPEN_REQUESTS } from '#src/domain/requests.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import type { App } from '#src/server/app.ts'
import { statement } from '#src/store/database.ts'
import { readLog } from '../http/suite.ts'
import { Asker } from '../support/asker.ts'
import { backends, startApp } from '../support/backends.ts'
import { addKey } from '../support/cast.ts'
import { type Agent, createFleet, type Fleet, Rest, spawn } from '../support/rest.ts'
import { RuntimeSocket } from '../support/runtime.ts'
import type { Watcher } from '../support/watcher.ts'

const setCounts = statement(
  'test_set_open_requests',
  'update agents set open_requests = $2, pending_answers = $3 where id = $1',
)
/** What that server does to the open signals of an agent with each order, and which ones it sees. */
const supersedeAsBefore = statement(
  'test_supersede_as_before',
  `update signals set outcome = 'superseded' where agent_id = $1 and outcome is null and kind <> 'message'`,
)
const readOpenAsBefore = statement(
  'test_read_open_as_before',
  'select id from signals where agent_id = $1 and outcome is null',
)
const full = { tool_call: { id: 'c', name: 'deploy', arguments: { z: 1, a: [2] } }, metadata: { thread: 7 } }

describe.each(backends)('a runtime that asks people on $name', ({ config }) => {
  let app: App
  let rest: Rest
  let url: string
  let fleet: Fleet
  let agent: Agent
  let path: string
  let asker: Asker
  const sockets: Watcher[] = []

  beforeAll(async () => {
    app = await startApp(await config())
    const { port } = await app.listen()
    url = `ws://127.0.0.1:${port}/api/v1/ws`
    rest = await Rest.of(app).signIn()
  })
  afterAll(() => app.stop())
  beforeEach(async () => {
    fleet = await createFleet(rest)
    agent = await spawn(fleet, { status: 'working' })
    path = `${fleet.agents}/${agent.id}`
    asker = await attach()
  })
  afterEach(async () => {
    await Promise.all(sockets.splice(0).map((socket) => socket.close()))
  })

  const attach = async (agent_id = agent.id) => {
    const socket = await Asker.at(url, rest.token, agent_id)
    sockets.push(socket)
    return socket
  }
  const get = async () => (await rest.get<Agent>(path)).body
  const answer = (request: { id: string }, body: object = { status: 'resolved' }) =>
    rest.post<AgentRequest>(`/projects/${fleet.project_id}/requests/${request.id}/answer`, body)
  const eventsAfter = async (seq: number) =>
    (await readLog(rest, fleet.project_id, seq)).filter((event) => event.agent.id === agent.id)
  const namesOf = (events: EventFrame[]) => events.map(({ name }) => name)

  it('gets the request as it is committed, and an event of it without its metadata', async () => {
    const key = await addKey(rest, { role: 'runtime', project_id: fleet.project_id })
    const runtime = await Asker.at(url, key.key, agent.id)
    sockets.push(runtime)
    const { seq } = await get()
    const asked = { request_id: 'deploy 42', reason: 'tool_call', message: 'Deploy <b>42</b>?', ...full }
    const frame = await runtime.question({ ...asked, expires_at: '2026-12-01T01:00:00+01:00' })
    const after = await get()
    const request = {
      id: expect.any(String),
      project_id: fleet.project_id,
      agent_id: agent.id,
      agent_name: agent.name,
      ...asked,
      options: null,
      response_schema: null,
      expires_at: '2026-12-01T00:00:00.000Z',
      state: 'open',
      cause: null,
      option: null,
      payload: null,
      note: null,
      answered_by: null,
      created_at: after.last_activity_at,
      ended_at: null,
      delivered_at: null,
      acknowledged_at: null,
    }
    expect(frame).toEqual({ type: 'requested', id: expect.any(String), agent_id: agent.id, request })
    expect(after).toMatchObject({ open_requests: 1, seq: seq + 1, status: 'working', pending_signals: 0 })
    const [event, ...more] = await eventsAfter(seq)
    const { metadata: _, ...summary } = request
    const { short_term_memory: __, ...state } = after
    expect(event).toEqual({
      type: 'event',
      project_id: fleet.project_id,
      seq: seq + 1,
      epoch: 1,
      name: 'agent.request_opened',
      at: after.updated_at,
      actor: { kind: 'api_key', id: key.id },
      agent: state,
      request: summary,
    })
    expect(more).toEqual([])
  })

  it('may give its status with it, which is an event of its own, right after', async () => {
    const { seq } = await get()
    await asker.open({ status: 'waiting' })
    expect(await get()).toMatchObject({ status: 'waiting', open_requests: 1, seq: seq + 2 })
    const events = await eventsAfter(seq)
    expect(events).toMatchObject([
      { name: 'agent.request_opened', agent: { status: 'working', open_requests: 1 } },
      { name: 'agent.status_changed', from: 'working', to: 'waiting', agent: { open_requests: 1 } },
    ])
    expect(events[1]).not.toHaveProperty('signal')
    await rest.post(`${path}/pause`)
    const rejected = await asker.question({ status: 'working' })
    expect(rejected).toMatchObject({
      type: 'requested',
      status_rejected: 'Cannot transition from paused to working',
    })
    expect(await get()).toMatchObject({ status: 'paused', open_requests: 2 })
  })

  it('may ask the same again: nothing changes, and it gets the request as it stands', async () => {
    const first = await asker.open({ request_id: 'same', ...full })
    const { seq } = await get()
    const twice = await asker.question({
      request_id: 'same',
      message: 'Something else?',
      expires_at: '2020-01-01T00:00:00Z',
      status: 'waiting',
    })
    expect(twice).toMatchObject({ type: 'requested', request: first })
    expect(twice).not.toHaveProperty('status_rejected')
    expect((await get()).seq).toBe(seq)
    const { body } = await answer(first, { status: 'resolved', payload: { b: 1, aa: 2 } })
    const signal = await asker.signal()
    expect((await asker.question({ request_id: 'same' })).request).toMatchObject({ state: 'resolved' })
    await asker.acknowledge(agent.id, signal.id)
    expect((await asker.question({ request_id: 'same' })).request).toEqual({
      ...body,
      delivered_at: expect.any(String),
      acknowledged_at: expect.any(String),
    })
    const other = await spawn(fleet)
    expect((await (await attach(other.id)).open({ request_id: 'same' })).id).not.toBe(first.id)
  })

  it('of many at once with the same id opens one', async () => {
    const asked = Array.from({ length: 20 }, () => asker.open({ request_id: 'same' }))
    expect(new Set((await Promise.all(asked)).map(({ id }) => id)).size).toBe(1)
    expect((await get()).open_requests).toBe(1)
  })

  it('is refused in the past, too far ahead, and with too many that are open', async () => {
    const refused = (message: unknown, field?: string) => ({
      type: 'error',
      id: expect.any(String),
      code: 'VAL_001',
      message,
      ...(field && { field }),
    })
    for (const expires_at of ['2020-01-01T00:00:00Z', '2100-01-01T00:00:00Z']) {
      expect(await asker.question({ expires_at })).toEqual(refused(expect.any(String), 'expires_at'))
    }
    await Promise.all(Array.from({ length: MAX_OPEN_REQUESTS }, () => asker.open()))
    expect(await asker.question()).toEqual(refused('Agent has 100 open requests'))
    expect(await get()).toMatchObject({ open_requests: MAX_OPEN_REQUESTS })
    await app.database.run(setCounts, [agent.id, 1, 999])
    expect(await asker.question()).toEqual(refused(expect.stringContaining('not acknowledged')))
    await app.database.run(setCounts, [agent.id, MAX_OPEN_REQUESTS, 0])
  })

  it('needs a link, which is the newest, and an agent that is not terminated', async () => {
    const stranger = new RuntimeSocket(url, { token: rest.token })
    sockets.push(stranger)
    await stranger.next('hello')
    const question = { agent_id: agent.id, request_id: 'q', reason: 'confirmation', message: 'Go?' }
    for (const message of [
      { type: 'request', ...question },
      { type: 'withdraw', agent_id: agent.id, request_id: 'q' },
    ]) {
      expect(await stranger.answer(message)).toMatchObject({ type: 'error', code: 'RT_001' })
    }
    const newer = await attach()
    expect(await asker.question()).toMatchObject({ type: 'error', code: 'RT_002' })
    expect(await asker.withdraw('q')).toMatchObject({ type: 'error', code: 'RT_002' })
    await rest.delete(path)
    expect(await newer.question()).toMatchObject({
      type: 'error',
      code: 'RT_003',
      message: 'Agent is terminated',
      field: 'agent_id',
    })
    expect((await get()).open_requests).toBe(0)
  })

  it('gets the answer as a signal, which counts as pending until it is acknowledged', async () => {
    const me = (await rest.get<{ id: string }>('/users/me')).body
    const request = await asker.open({ request_id: 'ask' })
    const before = await get()
    const body = { status: 'resolved', payload: { bb: 1, a: { y: 1, x: [] } }, note: 'With care' }
    const answered = await answer(request, body)
    expect(answered.status).toBe(200)
    expect(answered.body).toEqual({
      ...request,
      state: 'resolved',
      cause: 'answered',
      payload: body.payload,
      note: body.note,
      answered_by: { kind: 'user', id: me.id },
      ended_at: expect.any(String),
    })
    const signal = await asker.signal()
    expect(signal).toEqual({
      id: expect.any(String),
      kind: 'answer',
      payload: {
        request_id: 'ask',
        status: 'resolved',
        option: null,
        payload: body.payload,
        note: body.note,
        answered_by: { kind: 'user', id: me.id },
      },
      reason: null,
      mode: null,
      issued_at: answered.body.ended_at,
      attempt: 1,
    })
    expect(await get()).toMatchObject({ open_requests: 0, pending_signals: 1, control: null })
    expect(await asker.acknowledge(agent.id, signal.id)).toMatchObject({ outcome: 'done' })
    expect(await asker.acknowledge(agent.id, signal.id, 'failed')).toMatchObject({ outcome: 'done' })
    expect((await get()).pending_signals).toBe(0)
    const events = await eventsAfter(before.seq)
    expect(namesOf(events)).toEqual(['agent.request_ended', 'agent.signal_acknowledged'])
    const { metadata: _, ...summary } = answered.body
    expect(events[0]).toMatchObject({
      actor: { kind: 'user', id: me.id },
      request: summary,
      signal: { id: signal.id, payload: signal.payload },
      agent: { open_requests: 0, pending_signals: 1, last_activity_at: before.last_activity_at },
    })
    expect(events[1]).toMatchObject({ signal: { id: signal.id, kind: 'answer' } })
    const { data } = (await rest.get<{ data: { payload: object }[] }>(`${path}/signals`)).body
    expect(data).toMatchObject([{ id: signal.id, kind: 'answer', outcome: 'done' }])
    // The same text from the event and from the database.
    expect(JSON.stringify(data[0]?.payload)).toBe(JSON.stringify(signal.payload))
  })

  it('gets answers in order with other signals, whatever supersedes what, and again until it acknowledges', async () => {
    const requests = [await asker.open(), await asker.open(), await asker.open()]
    await asker.close()
    const [first, second, third] = requests as [AgentRequest, AgentRequest, AgentRequest]
    await answer(first)
    await rest.post(`${path}/pause`)
    await answer(second, { status: 'cancelled', note: 'No' })
    await rest.post(`${path}/signals`, { kind: 'message', payload: {} })
    await rest.post(`${path}/resume`)
    await answer(third)
    for (const attempt of [1, 2]) {
      const runtime = await attach()
      const signals = []
      for (let n = 0; n < 5; n++) signals.push(await runtime.signal())
      expect(signals.map(({ kind, attempt }) => [kind, attempt])).toEqual(
        ['answer', 'answer', 'message', 'resume', 'answer'].map((kind) => [kind, attempt]),
      )
      expect(signals[1]).toMatchObject({ payload: { status: 'cancelled', note: 'No' } })
      if (attempt === 2) for (const { id } of signals) await runtime.acknowledge(agent.id, id)
      else await runtime.close()
    }
    expect((await get()).pending_signals).toBe(0)
    const { data } = (await rest.get<{ data: { kind: string; outcome: string }[] }>(`${path}/signals`)).body
    expect(data.map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual([
      'answer done',
      'resume done',
      'message done',
      'answer done',
      'pause superseded',
      'answer done',
    ])
  })

  it('gets its answers although a server of the release before has issued orders in between', async () => {
    await answer(await asker.open())
    const { id } = await asker.signal()
    await asker.close()
    await app.database.run(supersedeAsBefore, [agent.id])
    expect(await app.database.run(readOpenAsBefore, [agent.id])).toEqual([])
    const runtime = await attach()
    expect(await runtime.signal()).toMatchObject({ id, kind: 'answer', attempt: 2 })
    await runtime.acknowledge(agent.id, id)
    expect((await get()).pending_signals).toBe(0)
  })

  it('takes a question back, without a signal; one that has ended stays as it is', async () => {
    const request = await asker.open({ request_id: 'back' })
    const { seq } = await get()
    const withdrawn = await asker.withdraw('back')
    const ended = { ...request, state: 'cancelled', cause: 'withdrawn', ended_at: expect.any(String) }
    expect(withdrawn).toEqual({
      type: 'withdrawn',
      id: expect.any(String),
      agent_id: agent.id,
      request: ended,
    })
    expect(await asker.withdraw('back')).toEqual({ ...withdrawn, id: expect.any(String) })
    expect(await get()).toMatchObject({ open_requests: 0, pending_signals: 0, seq: seq + 1 })
    expect(await eventsAfter(seq)).toMatchObject([
      { name: 'agent.request_ended', request: { id: request.id, cause: 'withdrawn' } },
    ])
    const answered = await asker.open({ request_id: 'answered' })
    await answer(answered)
    expect(await asker.withdraw('answered')).toMatchObject({ request: { cause: 'answered' } })
    expect(await asker.withdraw('never')).toMatchObject({
      type: 'error',
      code: 'SYS_002',
      message: 'Request never not found',
      field: 'request_id',
    })
  })

  it('finds its open requests when it attaches again, oldest first, and short beyond 256 KiB', async () => {
    expect((await attach()).found).toEqual([])
    const runtime = await attach()
    const large = { tool_call: { ...full.tool_call, arguments: { text: 'x'.repeat(16_000) } } }
    const opened: AgentRequest[] = []
    for (let n = 0; n < 20; n++) opened.push(await runtime.open({ ...(n === 3 ? full : large) }))
    const ended = opened.splice(1, 2)
    await answer(ended[0] as AgentRequest)
    await runtime.withdraw(ended[1]?.request_id ?? '')
    let bytes = 0
    const expected = opened.map((request) => {
      bytes += Buffer.byteLength(JSON.stringify(request))
      const { id, request_id, state, expires_at } = request
      return bytes <= 256 * 1024 ? request : { id, request_id, state, expires_at }
    })
    const { found } = await attach()
    expect(found).toEqual(expected)
    expect(found.some((request) => !('message' in request))).toBe(true)
    expect(found.some((request) => 'metadata' in request && request.metadata)).toBe(true)
  })

  it('keeps the order of what people see', async () => {
    const response_schema = {
      type: 'object',
      properties: { zone: { type: 'string' }, a: { type: 'boolean' } },
      required: ['zone'],
    }
    const { id } = await asker.open({ ...full, response_schema })
    const { body } = await rest.get<AgentRequest>(`/projects/${fleet.project_id}/requests/${id}`)
    expect(JSON.stringify(body.response_schema)).toBe(JSON.stringify(response_schema))
    expect(JSON.stringify(body.tool_call)).toBe(JSON.stringify(full.tool_call))
  })

  it.each(['order', 'update', 'bulk', 'report'] as const)(
    'has no open requests once it is terminated by %s: they end before it, without signals',
    async (way) => {
      const first = await asker.open({ request_id: 'first', metadata: { a: 1 } })
      const second = await asker.open({ request_id: 'second' })
      await answer(await asker.open())
      await asker.signal()
      const { seq } = await get()
      const ways = {
        order: () => rest.delete(path),
        update: () => rest.patch(path, { status: 'terminated' }),
        bulk: () => rest.post(`${fleet.agents}/actions`, { action: 'terminate', ids: [agent.id] }),
        report: () => asker.report(agent.id, { n: 1, status: 'terminated' }),
      }
      await ways[way]()
      expect(await get()).toMatchObject({ status: 'terminated', open_requests: 0, seq: expect.any(Number) })
      const events = (await eventsAfter(seq)).slice(0, 3)
      expect(events).toMatchObject([
        {
          name: 'agent.request_ended',
          agent: { status: 'working', open_requests: 1 },
          request: { id: first.id, state: 'cancelled', cause: 'terminated', answered_by: null },
        },
        {
          name: 'agent.request_ended',
          agent: { status: 'working', open_requests: 0 },
          request: { id: second.id, state: 'cancelled', cause: 'terminated' },
        },
        { name: 'agent.terminated', from: 'working', to: 'terminated', agent: { open_requests: 0 } },
      ])
      expect(events.map((event) => event.seq)).toEqual([seq + 1, seq + 2, seq + 3])
      expect(new Set(events.map(({ actor }) => actor.id)).size).toBe(1)
      for (const event of events.slice(0, 2)) {
        expect(event).not.toHaveProperty('signal')
        expect(event.request).not.toHaveProperty('metadata')
      }
      const stored = await rest.get<AgentRequest>(`/projects/${fleet.project_id}/requests/${first.id}`)
      expect(stored.body).toMatchObject({ ...events[0]?.request, metadata: { a: 1 } })
    },
  )

  it('may be attached after its end until it has acknowledged every answer', async () => {
    await answer(await asker.open())
    const { id } = await asker.signal()
    await rest.delete(path)
    const terminate = await asker.signal()
    await asker.acknowledge(agent.id, terminate.id)
    await asker.again()
    expect(await asker.signal()).toMatchObject({ id, kind: 'answer', attempt: 2 })
    await asker.acknowledge(agent.id, id)
    expect(await asker.answer({ type: 'attach', agent_id: agent.id })).toMatchObject({ code: 'RT_003' })
  })

  it('ends all requests of a fleet that is terminated, without a gap in the log', async () => {
    const others = await Promise.all([spawn(fleet), spawn(fleet), spawn(fleet)])
    const askers = await Promise.all(others.map(({ id }) => attach(id)))
    await Promise.all(askers.flatMap((one) => Array.from({ length: 60 }, () => one.open())))
    await asker.open()
    const { body } = await rest.post<object>(`${fleet.agents}/actions`, { action: 'terminate', all: true })
    expect(body).toMatchObject({ affected_count: 4 })
    const log = await readLog(rest, fleet.project_id)
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
    for (const { id, open } of [...others.map(({ id }) => ({ id, open: 60 })), { id: agent.id, open: 1 }]) {
      const own = log.filter((event) => event.agent.id === id)
      const last = own.findIndex(({ name }) => name === 'agent.terminated')
      const ends = own.slice(last - open, last)
      expect(namesOf(ends)).toEqual(ends.map(() => 'agent.request_ended'))
      expect(ends.map(({ agent }) => agent.open_requests)).toEqual(ends.map((_, index) => open - 1 - index))
    }
    expect((await rest.get<object>(`/projects/${fleet.project_id}/requests`)).body).toMatchObject({
      data: [],
    })
  })
})

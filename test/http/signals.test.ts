import { beforeEach, describe, expect, it } from 'vitest'
import { MAX_PENDING_MESSAGES } from '#src/domain/runtime.ts'
import { statement } from '#src/store/database.ts'
import { backends } from '../support/backends.ts'
import { type Agent, createFleet, type Fleet, spawn } from '../support/rest.ts'
import { addUser, invalid, readLog, refusal, UNKNOWN, useApp } from './suite.ts'

type Signal = { id: string; kind: string; payload: { n?: number } | null; outcome: string | null }
type Page = { data: Signal[]; pagination: { total: number } }

const anything = { message: expect.any(String) }
const KIB64 = 64 * 1024
const fill = statement('fill_messages', 'update agents set pending_messages = $2 where id = $1')

describe.each(backends)('signals on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  let agent: Agent
  let path: string
  beforeEach(async () => {
    fleet = await createFleet(running().rest)
    agent = await spawn(fleet)
    path = `${fleet.agents}/${agent.id}`
  })

  const post = (body: unknown, rest = fleet.rest) => rest.post<Signal>(`${path}/signals`, body)
  const send = (payload: object) => post({ kind: 'message', payload })
  const list = (query = '') => fleet.rest.get<Page>(`${path}/signals${query}`)
  const get = async () => (await fleet.rest.get<Agent>(path)).body

  it('a message is kept until it is acknowledged, and is an event of its agent', async () => {
    const me = (await fleet.rest.get<{ id: string }>('/users/me')).body
    const payload = { text: 'Ärger ☂', deep: [{ a: null }], toString: 1 }
    const { status, body } = await send(payload)
    expect(status).toBe(201)
    expect(body).toEqual({
      id: expect.any(String),
      agent_id: agent.id,
      kind: 'message',
      mode: null,
      payload,
      reason: null,
      created_at: expect.stringMatching(/T.*\.\d{3}Z$/),
      attempt: 0,
      delivered_at: null,
      acknowledged_at: null,
      outcome: null,
      detail: null,
    })
    expect((await list()).body.data).toEqual([body])
    const after = await get()
    expect(after).toEqual({ ...agent, pending_signals: 1, seq: agent.seq + 1, updated_at: after.updated_at })
    const { short_term_memory: _, ...summary } = after
    const events = await readLog(fleet.rest, fleet.project_id, agent.seq)
    expect(events).toEqual([
      {
        type: 'event',
        project_id: fleet.project_id,
        seq: agent.seq + 1,
        epoch: 1,
        name: 'agent.signal_sent',
        at: after.updated_at,
        actor: { kind: 'user', id: me.id },
        agent: summary,
        signal: expect.objectContaining({ id: body.id, kind: 'message', payload, attempt: 1 }),
      },
    ])
  })

  it('a payload is kept to the letter, whatever its keys', async () => {
    const body = '{"kind":"message","payload":{"__proto__":{"a":1},"constructor":null,"":[1.5,true]}}'
    expect((await post(body)).status).toBe(201)
    const [signal] = (await list()).body.data
    expect(Object.entries(signal?.payload ?? {}).sort()).toEqual([
      ['', [1.5, true]],
      ['__proto__', { a: 1 }],
      ['constructor', null],
    ])
  })

  it.each<[string, object | string, (string | null)[]]>([
    ['no kind', { kind: undefined }, ['kind']],
    ['a control signal', { kind: 'pause' }, ['kind']],
    ['a kind that is none', { kind: null }, ['kind']],
    ['no payload', { payload: undefined }, ['payload']],
    ['a payload of null', { payload: null }, ['payload']],
    ['a payload that is a list', { payload: [] }, ['payload']],
    ['a payload that is a text', { payload: '{}' }, ['payload']],
    ['a payload with NUL in it', { payload: { a: { b: '\0' } } }, ['payload.a.b']],
    ['unknown keys', { reason: 'x', id: UNKNOWN }, ['reason', 'id']],
    ['everything wrong', { kind: 'x', payload: 1, more: 1 }, ['kind', 'payload', 'more']],
  ])('%s is refused', async (_, wrong, fields) => {
    const body = { kind: 'message', payload: {}, ...Object(wrong) }
    expect(await post(body)).toEqual(invalid(...fields))
    expect((await list()).body.data).toEqual([])
  })

  it('a payload of 64 KiB as JSON is the largest, counted in bytes', async () => {
    const sized = (bytes: number, letter: string) => {
      const space = bytes - '{"x":""}'.length
      const count = Math.floor(space / Buffer.byteLength(letter))
      return { x: letter.repeat(count) + 'x'.repeat(space - count * Buffer.byteLength(letter)) }
    }
    for (const letter of ['x', '☂']) {
      expect((await send(sized(KIB64, letter))).status).toBe(201)
      expect(await send(sized(KIB64 + 1, letter))).toEqual(invalid('payload'))
    }
    expect(await send({ x: 'x'.repeat(256 * 1024) })).toEqual(refusal(413, 'VAL_006', anything))
  })

  it('a terminated agent gets no new messages, and keeps its old ones', async () => {
    await send({ n: 1 })
    await fleet.rest.delete(path)
    const message = { message: 'Agent is terminated', field: 'status' }
    expect(await send({ n: 2 })).toEqual(refusal(422, 'VAL_001', message))
    expect((await list()).body.data.map(({ kind }) => kind)).toEqual(['terminate', 'message'])
  })

  it('of too many messages at once, exactly 1,000 are accepted', async () => {
    const [free, more] = [5, 10]
    // As if all but a few of the places were taken: to take them one by one is slow.
    await running().app.database.run(fill, [agent.id, MAX_PENDING_MESSAGES - free])
    const answers = await Promise.all(Array.from({ length: free + more }, (_, n) => send({ n })))
    const refused = answers.filter(({ status }) => status !== 201)
    expect(refused).toHaveLength(more)
    for (const answer of refused) expect(answer).toEqual(refusal(409, 'DB_002', anything))
    expect((await list()).body.pagination.total).toBe(free)
    expect(await get()).toMatchObject({ pending_signals: MAX_PENDING_MESSAGES, seq: agent.seq + free })
    expect((await fleet.rest.post(`${path}/pause`)).status).toBe(200)
    expect((await get()).pending_signals).toBe(MAX_PENDING_MESSAGES + 1)
  })

  it('are listed in pages, the newest first, control signals among them', async () => {
    await fleet.rest.post(`${path}/pause`, { reason: 'look' })
    for (const n of [1, 2, 3]) await send({ n })
    await fleet.rest.post(`${path}/resume`)
    const { body } = await list()
    expect(body.data.map(({ kind, payload, outcome }) => [kind, payload?.n, outcome])).toEqual([
      ['resume', undefined, null],
      ['message', 3, null],
      ['message', 2, null],
      ['message', 1, null],
      ['pause', undefined, 'superseded'],
    ])
    expect(body.data[4]).toMatchObject({ reason: 'look', payload: null, delivered_at: null })
    expect(body.data[0]?.id).toBe((await get()).control?.signal_id)
    const pages = await Promise.all([1, 2, 3, 4].map((page) => list(`?limit=2&page=${page}`)))
    expect(pages.flatMap((page) => page.body.data)).toEqual(body.data)
    expect(pages.map((page) => page.body.pagination)).toEqual(
      [2, 2, 1, 0].map((page_size, index) => ({
        total: 5,
        page: index + 1,
        page_size,
        total_pages: 3,
        has_next: index < 2,
        has_prev: index > 0,
      })),
    )
    expect(await list('?limit=101&page=0')).toEqual(invalid('page', 'limit'))
  })

  it('of an agent that never had one are an empty page', async () => {
    expect((await list()).body).toMatchObject({ data: [], pagination: { total: 0, total_pages: 0 } })
  })

  it('of an unknown agent, and of one of another project, are the same 404', async () => {
    const other = await createFleet(fleet.rest)
    const elsewhere = await spawn(other)
    for (const id of [UNKNOWN, elsewhere.id]) {
      const missing = refusal(404, 'SYS_002', {
        message: `Agent ${id} not found in project ${fleet.project_id}`,
      })
      const there = `${fleet.agents}/${id}`
      expect(await fleet.rest.get(`${there}/signals`)).toEqual(missing)
      expect(await fleet.rest.post(`${there}/signals`, { kind: 'message', payload: {} })).toEqual(missing)
      expect(await fleet.rest.post(`${there}/token`)).toEqual(missing)
    }
    expect(await readLog(fleet.rest, other.project_id)).toHaveLength(1)
  })

  it('are closed to outsiders, after checks of the request and before checks of the agent', async () => {
    const { rest } = await addUser(fleet.rest)
    const forbidden = refusal(403, 'AUTH_004', { message: 'You do not have access to this project' })
    for (const one of [path, `${fleet.agents}/${UNKNOWN}`]) {
      expect(await rest.get(`${one}/signals`)).toEqual(forbidden)
      expect(await rest.post(`${one}/signals`, { kind: 'message', payload: {} })).toEqual(forbidden)
      expect(await rest.post(`${one}/token`)).toEqual(forbidden)
    }
    expect(await post({}, rest)).toEqual(invalid('kind', 'payload'))
    expect((await post({}, rest.as(undefined))).status).toBe(401)
    expect((await rest.get(`/projects/${UNKNOWN}/agents/${UNKNOWN}/signals`)).status).toBe(404)
    expect(await rest.get(`${fleet.agents}/x/signals`)).toEqual(invalid('agent_id'))
  })
})

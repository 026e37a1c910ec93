import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createMemoryBus } from '#src/bus/memory.ts'
import { ByProject } from '#src/commands/by-project.ts'
import { ProjectTurns } from '#src/commands/project-turns.ts'
import { endLeftOpen } from '#src/commands/requests.ts'
import { WriteQueue } from '#src/commands/write-queue.ts'
import type { AgentRequest } from '#src/domain/request.ts'
import { createForgettingJob } from '#src/jobs/retention.ts'
import { statement } from '#src/store/database.ts'
import { countOpenRequests } from '#src/store/request-times.ts'
import type { Asker } from '../support/asker.ts'
import { backends } from '../support/backends.ts'
import { addKey } from '../support/cast.ts'
import { type Agent, createFleet, type Fleet, type Rest, spawn } from '../support/rest.ts'
import { Stage } from '../support/stage.ts'
import { addUser, invalid, readLog, refusal, UNKNOWN } from './suite.ts'

type Listed = { data: AgentRequest[]; pagination: { total: number; page_size: number } }
type Step = { data: AgentRequest[]; next_cursor: string | null }
type Inbox = { data: (AgentRequest & { project_name: string; can_answer: boolean })[] }

const age = statement(
  'test_age_request',
  'update requests set ended_at = now() - make_interval(secs => $2) where id = $1',
)
const terminateOnly = statement(
  'test_terminate_only',
  `update agents set status = 'terminated', terminated_at = now() where id = $1`,
)
const expire = statement(
  'test_set_expires_at',
  `update requests set expires_at = now() + interval '1 hour' where id = $1`,
)
const options = [
  { id: 'yes', label: 'Yes', kind: 'allow_once' },
  { id: 'no', label: 'No', kind: 'reject_once' },
]
const response_schema = {
  type: 'object',
  properties: { email: { type: 'string', format: 'email' }, n: { type: 'integer', default: 3 } },
  required: ['email'],
}
const idsOf = (requests: readonly { id: string }[]) => requests.map(({ id }) => id)

describe.each(backends)('requests on $name', (backend) => {
  let stage: Stage
  let fleet: Fleet
  let agent: Agent
  let asker: Asker
  let path: string
  beforeAll(async () => {
    stage = await Stage.start(backend)
  })
  afterAll(() => stage.stop())
  beforeEach(async () => {
    fleet = await createFleet(stage.superuser)
    agent = await spawn(fleet, { status: 'working' })
    asker = await stage.attach(agent.id)
    path = `/projects/${fleet.project_id}/requests`
  })

  const answer = (request: { id: string }, body: object | undefined = { status: 'resolved' }, rest?: Rest) =>
    (rest ?? fleet.rest).post<AgentRequest>(`${path}/${request.id}/answer`, body)
  const read = async (request: { id: string }) =>
    (await fleet.rest.get<AgentRequest>(`${path}/${request.id}`)).body
  const list = async (query = '') => (await fleet.rest.get<Listed>(`${path}${query}`)).body
  const walk = async (query: string, limit: number, between: () => Promise<unknown> = async () => {}) => {
    const seen: AgentRequest[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body }: { body: Step } = await fleet.rest.get(
        `${path}?${query}&limit=${limit}&cursor=${cursor}`,
      )
      seen.push(...body.data)
      cursor = body.next_cursor
      await between()
    }
    return seen
  }

  /** One that is open, then an ended one of each kind, oldest first. */
  async function openOfEach() {
    const made = []
    for (const reason of ['confirmation', 'tool_call', 'a:b', 'a:b']) made.push(await asker.open({ reason }))
    const [open, resolved, cancelled, expired] = made as [
      AgentRequest,
      AgentRequest,
      AgentRequest,
      AgentRequest,
    ]
    await answer(resolved)
    await answer(cancelled, { status: 'cancelled' })
    await stage.app.database.run(
      statement(
        'test_expire',
        `update requests set state = 'expired', cause = 'expired', ended_at = now() + interval '1 s',
        ended_seq = (select event_seq from projects where id = project_id) where id = $1`,
      ),
      [expired.id],
    )
    return { open, resolved, cancelled, expired }
  }

  it('are read by their id, the same as listed', async () => {
    const request = await asker.open({ options, response_schema, metadata: { thread: 7 } })
    expect(await read(request)).toEqual(request)
    expect((await list()).data).toEqual([request])
    const answered = await answer(request, { status: 'cancelled', note: 'No' })
    expect(answered.body).toMatchObject({ state: 'cancelled', note: 'No', option: null, payload: null })
    const signal = await asker.signal()
    await asker.acknowledge(agent.id, signal.id)
    const after = await read(request)
    expect(after).toEqual({
      ...answered.body,
      delivered_at: expect.any(String),
      acknowledged_at: expect.any(String),
    })
    expect((await list('?state=cancelled')).data).toEqual([after])
  })

  it('are listed by state: the open ones oldest first, then the ended ones newest first', async () => {
    const made = await openOfEach()
    const other = await stage.attach((await spawn(fleet)).id)
    const newest = await other.open()
    const { open, resolved, cancelled, expired } = made
    const expected: Record<string, AgentRequest[]> = {
      '': [open, newest],
      '?state=open': [open, newest],
      '?state=resolved': [resolved],
      '?state=cancelled': [cancelled],
      '?state=expired': [expired],
      '?state=all': [open, newest, expired, cancelled, resolved],
      [`?state=all&agent_id=${other.agent_id}`]: [newest],
      '?state=all&reason=a:b': [expired, cancelled],
      '?reason=tool_call': [],
      [`?agent_id=${UNKNOWN}`]: [],
    }
    for (const [query, requests] of Object.entries(expected)) {
      const { data, pagination } = await list(query)
      expect([query, idsOf(data), pagination.total]).toEqual([query, idsOf(requests), requests.length])
    }
    const pages = await Promise.all([1, 2, 3, 4].map((page) => list(`?state=all&limit=2&page=${page}`)))
    expect(idsOf(pages.flatMap(({ data }) => data))).toEqual(idsOf(expected['?state=all'] ?? []))
    expect(pages.map(({ pagination }) => [pagination.page_size, pagination.total])).toEqual([
      [2, 5],
      [2, 5],
      [1, 5],
      [0, 5],
    ])
    for (const wrong of ['state=done', 'agent_id=x', 'reason=X', 'limit=0', 'cursor=&page=1', 'cursor=x']) {
      const [field = ''] = wrong.split('=')
      expect(await fleet.rest.get(`${path}?${wrong}`)).toEqual(invalid(field))
    }
  })

  it('come once each in a walk through all, although some end and some open meanwhile', async () => {
    const made = []
    for (let n = 0; n < 12; n++) made.push(await asker.open())
    for (const request of made.slice(0, 4)) await answer(request)
    const [first, ...open] = made.slice(4)
    const doomed = [first, open.at(-1), open.at(-2)]
    let late = 0
    const seen = await walk('state=all', 2, async () => {
      const request = doomed.shift()
      if (request) await answer(request)
      if (late++ < 3) await asker.open()
    })
    const old = new Set(idsOf(made))
    expect(idsOf(seen.filter(({ id }) => old.has(id)))).toEqual([
      ...idsOf(made.slice(4)),
      ...idsOf(made.slice(0, 4)).reverse(),
    ])
    expect(new Set(idsOf(seen)).size).toBe(seen.length)
    for (const state of ['open', 'resolved', 'all']) {
      const { data } = await list(`?state=${state}&limit=100`)
      expect(idsOf(await walk(`state=${state}`, 3))).toEqual(idsOf(data))
    }
  })

  it('of an unknown id, or of another project, are the same 404', async () => {
    const other = await createFleet(stage.superuser)
    const elsewhere = await (await stage.attach((await spawn(other)).id)).open()
    for (const id of [UNKNOWN, elsewhere.id]) {
      const missing = refusal(404, 'SYS_002', {
        message: `Request ${id} not found in project ${fleet.project_id}`,
      })
      expect(await fleet.rest.get(`${path}/${id}`)).toEqual(missing)
      expect(await answer({ id })).toEqual(missing)
    }
    expect(await fleet.rest.get(`${path}/x`)).toEqual(invalid('id'))
  })

  it('are read by viewers, answered by operators, and closed to outsiders; runtimes read one', async () => {
    const request = await asker.open()
    const join = async (role: string) => {
      const user = await addUser(stage.superuser)
      await fleet.rest.put(`/projects/${fleet.project_id}/members/${user.id}`, { role })
      return user.rest
    }
    const [viewer, operator, outsider] = [
      await join('viewer'),
      await join('operator'),
      await addUser(stage.superuser),
    ]
    const runtime = await addKey(stage.superuser, { role: 'runtime', project_id: fleet.project_id })
    const forbidden = (role: string) =>
      refusal(403, 'AUTH_004', { message: `Your role (${role}) may not do this` })
    expect((await viewer.get(`${path}/${request.id}`)).status).toBe(200)
    expect(await answer(request, undefined, viewer)).toEqual(forbidden('viewer'))
    expect((await runtime.rest.get(`${path}/${request.id}`)).status).toBe(200)
    for (const list of [path, '/requests']) {
      expect(await runtime.rest.get(list)).toEqual(forbidden('runtime'))
    }
    expect(await answer(request, undefined, runtime.rest)).toEqual(forbidden('runtime'))
    expect((await outsider.rest.get(path)).status).toBe(403)
    expect((await answer(request, undefined, fleet.rest.as(undefined))).status).toBe(401)
    expect((await answer(request, undefined, operator)).body).toMatchObject({ state: 'resolved' })
  })

  it.each<[string, object, object, string[]]>([
    ['no status', {}, { note: 'x' }, ['status']],
    ['a status that is none', {}, { status: 'expired' }, ['status']],
    ['unknown keys', {}, { status: 'resolved', answer: 1 }, ['answer']],
    ['a long note', {}, { status: 'resolved', note: 'x'.repeat(2_001) }, ['note']],
    ['a payload that is no object', {}, { status: 'resolved', payload: [] }, ['payload']],
    ['a payload over 16 KiB', {}, { status: 'resolved', payload: { x: 'x'.repeat(16_384) } }, ['payload']],
    ['an option where there are none', {}, { status: 'resolved', option: 'yes' }, ['option']],
    ['no option', { options }, { status: 'resolved' }, ['option']],
    ['another option', { options }, { status: 'resolved', option: 'maybe' }, ['option']],
    ['an option to cancel with', { options }, { status: 'cancelled', option: 'no' }, ['option']],
    ['a payload to cancel with', {}, { status: 'cancelled', payload: {} }, ['payload']],
    ['no payload', { response_schema }, { status: 'resolved' }, ['payload']],
    ['an empty payload', { response_schema }, { status: 'resolved', payload: {} }, ['payload.email']],
    [
      'everything wrong',
      { options, response_schema },
      { status: 'resolved', payload: { email: 'x', n: '3', more: 1 } },
      ['option', 'payload.email', 'payload.n', 'payload.more'],
    ],
  ])('refuse an answer with %s, and stay open', async (_, asked, body, fields) => {
    const request = await asker.open(asked)
    expect(await answer(request, body)).toEqual(invalid(...fields))
    expect(await read(request)).toEqual(request)
  })

  it('take the answer to a form as it is, without defaults, and many mistakes in short', async () => {
    const request = await asker.open({ options, response_schema })
    const wrong = Object.fromEntries(Array.from({ length: 150 }, (_, n) => [`more${n}`, n]))
    const refused = await answer(request, { status: 'resolved', option: 'no', payload: wrong })
    const { errors } = refused.body as unknown as { errors: { message: string }[] }
    expect(errors).toHaveLength(101)
    expect(errors.at(-1)?.message).toBe('51 more problems')
    const payload = { email: 'ada@example.org' }
    const { body } = await answer(request, { status: 'resolved', option: 'no', payload, note: null })
    expect(body).toMatchObject({ state: 'resolved', option: 'no', payload, note: null })
    const anything = await asker.open()
    expect((await answer(anything, { status: 'resolved', payload: { b: [1] } })).body.payload).toEqual({
      b: [1],
    })
    const nothing = await asker.open({ options, response_schema })
    expect((await answer(nothing, { status: 'cancelled' })).body).toMatchObject({
      state: 'cancelled',
      cause: 'answered',
      option: null,
      payload: null,
    })
  })

  it('that have ended refuse every answer, whatever it says', async () => {
    const [resolved, cancelled, withdrawn, terminated] = [
      await asker.open({ options }),
      await asker.open(),
      await asker.open(),
      await asker.open(),
    ]
    await answer(resolved, { status: 'resolved', option: 'yes' })
    await answer(cancelled, { status: 'cancelled' })
    await asker.withdraw(withdrawn.request_id)
    await fleet.rest.delete(`${fleet.agents}/${agent.id}`)
    for (const [request, state] of [
      [resolved, 'resolved'],
      [cancelled, 'cancelled'],
      [withdrawn, 'cancelled'],
      [terminated, 'cancelled'],
    ] as const) {
      for (const body of [{ status: 'resolved' }, { status: 'cancelled', option: 'x', payload: {} }]) {
        const message = `Request is already ${state}`
        expect(await answer(request, body)).toEqual(refusal(409, 'DB_002', { message }))
      }
    }
  })

  it('are answered while their agent is paused', async () => {
    const request = await asker.open()
    await fleet.rest.post(`${fleet.agents}/${agent.id}/pause`)
    expect((await answer(request)).status).toBe(200)
    const { body } = await fleet.rest.get<Agent>(`${fleet.agents}/${agent.id}`)
    expect(body).toMatchObject({ status: 'paused', open_requests: 0, control: { kind: 'pause' } })
  })

  it('are answered once with an Idempotency-Key', async () => {
    const request = await asker.open()
    const send = () =>
      fleet.rest.call<AgentRequest>(
        'POST',
        `${path}/${request.id}/answer`,
        { status: 'resolved' },
        {
          'idempotency-key': request.id,
        },
      )
    const answers = [await send(), await send()]
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(answers[1]?.body).toEqual(answers[0]?.body)
    expect((await answer(request)).status).toBe(409)
  })

  it('expire at their time, with a signal, through whichever server', async () => {
    const soon = () => new Date(Date.now() + 300).toISOString()
    const request = await asker.open({ expires_at: soon(), request_id: 'late', metadata: { a: 1 } })
    const later = await asker.open({ expires_at: soon() })
    await stage.app.database.run(expire, [later.id])
    const signal = await asker.signal()
    expect(signal).toMatchObject({
      kind: 'answer',
      payload: { request_id: 'late', status: 'expired', option: null, payload: null, answered_by: null },
    })
    const expired = await read(request)
    expect(expired).toMatchObject({ state: 'expired', cause: 'expired', metadata: { a: 1 } })
    const late_ms = Date.parse(expired.ended_at ?? '') - Date.parse(expired.expires_at ?? '')
    expect(late_ms).toBeGreaterThanOrEqual(0)
    expect(late_ms).toBeLessThan(2_000)
    expect(await answer(request)).toEqual(refusal(409, 'DB_002', { message: 'Request is already expired' }))
    expect((await list()).data).toEqual([{ ...later, expires_at: expect.any(String) }])
  })

  it('fill the inbox of each who may read them, over all projects, oldest first', async () => {
    const user = await addUser(stage.superuser)
    const own = await createFleet(stage.superuser)
    const strange = await createFleet(stage.superuser)
    await fleet.rest.put(`/projects/${fleet.project_id}/members/${user.id}`, { role: 'operator' })
    await own.rest.put(`/projects/${own.project_id}/members/${user.id}`, { role: 'viewer' })
    const first = await asker.open({ metadata: { a: 1 } })
    const second = await (await stage.attach((await spawn(own)).id)).open()
    await (await stage.attach((await spawn(strange)).id)).open()
    const third = await asker.open()
    await answer(await asker.open())
    const inbox = async (rest = user.rest, query = '') => (await rest.get<Inbox>(`/requests${query}`)).body
    const { data } = await inbox()
    expect(data).toEqual([
      { ...first, project_name: agent.project_name, can_answer: true },
      { ...second, project_name: agent.project_name, can_answer: false },
      { ...third, project_name: agent.project_name, can_answer: true },
    ])
    const pages = [await inbox(user.rest, '?limit=2'), await inbox(user.rest, '?limit=2&page=2')]
    expect(pages.flatMap((page) => page.data)).toEqual(data)
    expect(pages[1]).toMatchObject({ pagination: { total: 3, page_size: 1 } })
    const step = await inbox(user.rest, '?limit=2&cursor=')
    const { next_cursor } = step as unknown as Step
    expect(step.data.concat((await inbox(user.rest, `?limit=2&cursor=${next_cursor}`)).data)).toEqual(data)
    for (const role of ['operator', 'viewer']) {
      const { rest } = await addKey(own.rest, { role, project_id: own.project_id })
      const entry = { id: second.id, can_answer: role === 'operator' }
      expect(await inbox(rest)).toMatchObject({ data: [entry], pagination: { total: 1 } })
    }
    const all = await walkInbox(stage.superuser)
    expect(all.length).toBeGreaterThanOrEqual(4)
    expect(all.every(({ can_answer }) => can_answer)).toBe(true)
    expect(await inbox((await addUser(stage.superuser)).rest)).toMatchObject({ data: [] })
  })

  async function walkInbox(rest: Rest) {
    const { body } = await rest.get<Inbox>('/requests?limit=100')
    return body.data
  }

  it('are measured: what waits, how long it took, and how it ended', async () => {
    const { api } = stage.app
    const scrape = async () => {
      const text = await (await api.request('/metrics', {}, {})).text()
      return (series: string) =>
        Number(
          text
            .split('\n')
            .find((line) => line.startsWith(`signalbox_${series} `))
            ?.split(' ')[1],
        )
    }
    const names = [
      'requests_ended_total{cause="answered"}',
      'requests_ended_total{cause="withdrawn"}',
      'requests_ended_total{cause="terminated"}',
      'request_answer_seconds_count{state="resolved"}',
      'request_answer_seconds_count{state="cancelled"}',
      'signals_issued_total{kind="answer"}',
    ]
    const read = async () => names.map(await scrape())
    const before = await read()
    const [first, second, third] = [await asker.open(), await asker.open(), await asker.open()]
    await asker.open()
    await answer(first)
    await answer(second, { status: 'cancelled' })
    await asker.withdraw(third.request_id)
    const open = await scrape()
    // What the database says is good for 5 s, so these may be from before.
    expect(open('open_requests')).toBeGreaterThanOrEqual(0)
    expect(open('oldest_request_seconds')).toBeGreaterThanOrEqual(0)
    await fleet.rest.delete(`${fleet.agents}/${agent.id}`)
    expect((await read()).map((value, index) => value - (before[index] ?? 0))).toEqual([2, 1, 1, 1, 1, 2])
    expect(await countOpenRequests(stage.app.database)).toEqual({
      open: expect.any(Number),
      oldest_seconds: expect.any(Number),
    })
  })

  it('that have ended are forgotten after a while, and open ones never', async () => {
    const [old, young, open] = [await asker.open(), await asker.open(), await asker.open()]
    await answer(old)
    await answer(young)
    const { database } = stage.app
    for (const [{ id }, seconds] of [
      [old, 61],
      [young, 30],
    ] as const) {
      await database.run(age, [id, seconds])
    }
    await createForgettingJob(database, 60).run()
    expect((await list('?state=all')).data.map(({ id }) => id)).toEqual([open.id, young.id])
    expect((await asker.open({ request_id: old.request_id })).id).not.toBe(old.id)
  })

  it('that an older server left open are ended, each with an event', async () => {
    const [first, second] = [await asker.open(), await asker.open()]
    const { database } = stage.app
    await database.run(terminateOnly, [agent.id])
    const { seq } = (await fleet.rest.get<Agent>(`${fleet.agents}/${agent.id}`)).body
    const queue = { database, bus: createMemoryBus(), clock: () => new Date().toISOString() }
    const writes = new WriteQueue({ ...queue, turns: new ProjectTurns() })
    await endLeftOpen({ database, writes }, new ByProject(), 100)
    const log = (await readLog(fleet.rest, fleet.project_id)).slice(-3)
    expect(log).toMatchObject([
      { seq: seq + 1, name: 'agent.request_ended', request: { id: first.id }, agent: { open_requests: 1 } },
      { seq: seq + 2, name: 'agent.request_ended', request: { id: second.id }, agent: { open_requests: 0 } },
      { seq: seq + 3, name: 'agent.updated', actor: { kind: 'system', id: null } },
    ])
    expect(await read(first)).toMatchObject({ state: 'cancelled', cause: 'terminated' })
    expect((await list()).data).toEqual([])
  })

  it('are gone with their project', async () => {
    const request = await asker.open()
    await fleet.rest.delete(`${fleet.agents}/${agent.id}`)
    expect((await fleet.rest.delete(`/projects/${fleet.project_id}`)).status).toBe(200)
    const left = statement('test_left_requests', 'select id from requests where id = $1')
    expect(await stage.app.database.run(left, [request.id])).toEqual([])
  })
})

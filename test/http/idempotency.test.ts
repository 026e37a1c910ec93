import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sql, statement } from '#src/store/database.ts'
import { backends } from '../support/backends.ts'
import { addKey } from '../support/cast.ts'
import { type Agent, createFleet, type Fleet, type Rest, spawn, unique } from '../support/rest.ts'
import { addUser, invalid, password, refusal, UNKNOWN, useApp } from './suite.ts'

type Document = { paths: Record<string, Record<string, { operationId: string }>> }
type Request = { path: string; body?: object }

const everything = statement(
  'test_count_everything',
  `select concat_ws(' ', (select count(*) from events), (select count(*) from agents), (select count(*) from signals),
     (select count(*) from issues), (select count(*) from projects), (select count(*) from agent_types),
     (select count(*) from users), (select count(*) from audit), (select count(*) from holds),
     (select count(*) from budgets), (select count(*) from requests)) as counts`,
)

const slugged = () => ({ name: 'Line', slug: unique('line') })
const agentPath = async (fleet: Fleet) => `${fleet.agents}/${(await spawn(fleet)).id}`

/** As if the runtime of $2, an agent of the project $1, had asked. */
const ask = statement(
  'test_ask',
  `with asking as (update agents set open_requests = 1 where id = $2)
   insert into requests (id, project_id, agent_id, agent_name, request_id, reason, message, state, created_at, bytes)
   values (gen_random_uuid(), $1, $2, 'Ada', 'q', 'confirmation', 'Deploy?', 'open', now(), 100) returning id`,
)

/** Every POST that keeps its answers, by operation id. */
const kept: Record<string, (fleet: Fleet, sql: Sql) => Request | Promise<Request>> = {
  spawn_agent: ({ agents, agent_type_id }) => ({ path: agents, body: { agent_type_id, name: 'Ada' } }),
  pause_agent: async (fleet) => ({ path: `${await agentPath(fleet)}/pause`, body: { reason: 'look' } }),
  async resume_agent(fleet) {
    const path = await agentPath(fleet)
    await fleet.rest.post(`${path}/pause`)
    return { path: `${path}/resume` }
  },
  async act_on_agents(fleet) {
    const { id } = await spawn(fleet)
    return { path: `${fleet.agents}/actions`, body: { action: 'pause', ids: [id, UNKNOWN] } }
  },
  send_signal: async (fleet) => ({
    path: `${await agentPath(fleet)}/signals`,
    body: { kind: 'message', payload: { n: 1 } },
  }),
  async answer_request(fleet, sql) {
    const { project_id } = fleet
    const [request] = await sql.run<{ id: string }>(ask, [project_id, (await spawn(fleet)).id])
    return { path: `/projects/${project_id}/requests/${request?.id}/answer`, body: { status: 'resolved' } }
  },
  report_agent: async (fleet) => ({
    path: `${await agentPath(fleet)}/reports`,
    body: { usage: { tokens_used: 1 } },
  }),
  async acknowledge_signal(fleet) {
    const path = await agentPath(fleet)
    const { control } = (await fleet.rest.post<Agent>(`${path}/pause`)).body
    return { path: `${path}/signals/${control?.signal_id}/ack`, body: { outcome: 'done' } }
  },
  ask: async (fleet) => ({
    path: `${await agentPath(fleet)}/requests`,
    body: { request_id: 'q', reason: 'confirmation', message: 'Deploy?' },
  }),
  place_hold: ({ project_id }) => ({ path: `/projects/${project_id}/holds`, body: { reason: 'look' } }),
  place_global_hold: () => ({ path: '/holds', body: { reason: 'look', selector: 'team=none' } }),
  create_budget: ({ project_id }) => ({
    path: `/projects/${project_id}/budgets`,
    body: { name: 'Team', metric: 'cost', limit: '1', window: 'none' },
  }),
  create_issue: async (fleet) => ({
    path: `/projects/${fleet.project_id}/issues`,
    body: { title: 'Look', assigned_agent_id: (await spawn(fleet)).id },
  }),
  create_project: () => ({ path: '/projects', body: slugged() }),
  add_member: async (fleet) => {
    const email = `${unique('member')}@example.org`
    await fleet.rest.post('/users', { email, password })
    return { path: `/projects/${fleet.project_id}/members`, body: { email, role: 'viewer' } }
  },
  create_agent_type: () => ({ path: '/agent-types', body: slugged() }),
  create_user: () => ({ path: '/users', body: { email: `${unique('user')}@example.org`, password } }),
}
/** They answer secrets, end what was one, or call another server. */
const ignoring = [
  'login',
  'refresh',
  'logout',
  'create_api_key',
  'issue_agent_token',
  'create_webhook',
  'rotate_webhook_secret',
  'test_webhook',
]

describe.each(backends)('an Idempotency-Key on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  beforeEach(async () => {
    fleet = await createFleet(running().rest)
  })
  // One of all projects would stand in those of the next tests.
  afterEach(async () => {
    const { body } = await running().rest.get<{ data: Agent[] }>('/holds?active=true')
    for (const { id } of body.data) await running().rest.delete(`/holds/${id}`)
  })

  const once = async (key: string, { path, body }: Request, rest: Rest = fleet.rest) => {
    const answer = await rest.call<Agent>('POST', path, body, { 'idempotency-key': key })
    const { status, headers } = answer
    return { status, body: answer.body, location: headers.get('location'), type: headers.get('content-type') }
  }
  const count = async () => (await running().app.database.run<{ counts: string }>(everything))[0]?.counts
  const read = async (id: string) => (await fleet.rest.get<Agent>(`${fleet.agents}/${id}`)).body
  const spawning = (own: object = {}): Request => ({
    path: fleet.agents,
    body: { agent_type_id: fleet.agent_type_id, name: 'Ada', ...own },
  })
  const reused = { status: 409, body: { errors: [{ code: 'DB_002', field: 'Idempotency-Key' }] } }

  it('is taken by every POST that answers no secret, and calls no other server', async () => {
    const { body } = await running().rest.get<Document>('/openapi.json')
    const posts = Object.values(body.paths).flatMap(({ post }) => (post ? [post.operationId] : []))
    expect([...Object.keys(kept), ...ignoring].sort()).toEqual(posts.sort())
  })

  it.each(Object.keys(kept))('has %s done once, and answered the same each time', async (operation) => {
    const key = unique('key')
    const request = (await kept[operation]?.(fleet, running().app.database)) as Request
    const first = await once(key, request)
    expect([200, 201]).toContain(first.status)
    expect(first.type).toMatch(/^application\/json/)
    const counts = await count()
    for (let time = 0; time < 3; time++) expect(await once(key, request)).toEqual(first)
    expect(await count()).toBe(counts)
  })

  it('gives the Location of what was spawned, and what the agent was then', async () => {
    const key = unique('key')
    const first = await once(key, spawning())
    expect(first.location).toBe(`/api/v1${fleet.agents}/${first.body.id}`)
    const pause = { path: `${fleet.agents}/${first.body.id}/pause` }
    const paused = await once(key, pause)
    expect(paused.body.status).toBe('paused')
    await fleet.rest.post(`${fleet.agents}/${first.body.id}/resume`)
    expect(await once(key, pause)).toEqual(paused)
    expect(await once(key, spawning())).toEqual(first)
    expect(await read(first.body.id)).toMatchObject({ status: 'idle' })
  })

  it('is of one request: another body or another path is a conflict, and does nothing', async () => {
    const key = unique('key')
    const first = await once(key, spawning())
    const counts = await count()
    for (const own of [{ name: 'Bob' }, { current_task: 'x' }, { project_id: fleet.project_id }]) {
      expect(await once(key, spawning(own))).toMatchObject(reused)
    }
    const other = await createFleet(running().rest)
    const elsewhere = { ...spawning(), path: other.agents }
    expect(await once(key, elsewhere)).toMatchObject(reused)
    expect((await count())?.split(' ').slice(0, 2)).toEqual(counts?.split(' ').slice(0, 2))
    // What means the same is the same.
    expect(await once(key, spawning({ name: ' Ada ', status: 'idle' }))).toEqual(first)
  })

  it('is of one principal and one route: the same one means another request elsewhere', async () => {
    const key = unique('key')
    const other = await addUser(running().rest, { is_superuser: true })
    const [one, two] = [
      await addKey(other.rest, { role: 'operator' }),
      await addKey(other.rest, { role: 'operator' }),
    ]
    const made = []
    for (const rest of [fleet.rest, other.rest, one.rest, two.rest]) {
      made.push(await once(key, spawning(), rest))
      expect(await once(key, spawning(), rest)).toEqual(made.at(-1))
    }
    expect(new Set(made.map(({ body }) => body.id)).size).toBe(4)
    const message = { kind: 'message', payload: {} }
    for (const { body } of made) {
      const path = `${fleet.agents}/${body.id}`
      expect((await once(key + body.id, { path: `${path}/signals`, body: message })).status).toBe(201)
      expect((await once(key + body.id, { path: `${path}/pause` })).status).toBe(200)
      expect((await once(key + body.id, { path: `${path}/resume` })).status).toBe(200)
    }
  })

  it('keeps refusals: a request that has become possible needs a new key', async () => {
    const [missing, inactive, early, taken] = [unique('key'), unique('key'), unique('key'), unique('key')]
    const unknown = spawning({ agent_type_id: UNKNOWN })
    const notFound = await once(missing, unknown)
    expect(notFound).toMatchObject({ status: 404, location: null })
    const type = `/agent-types/${fleet.agent_type_id}`
    await fleet.rest.patch(type, { is_active: false })
    const refused = await once(inactive, spawning())
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ field: 'agent_type_id' }] } })
    await fleet.rest.patch(type, { is_active: true })
    expect(await once(inactive, spawning())).toEqual(refused)
    expect((await once(unique('key'), spawning())).status).toBe(201)

    const { id } = await spawn(fleet)
    const resume = { path: `${fleet.agents}/${id}/resume` }
    const illegal = await once(early, resume)
    expect(illegal.status).toBe(422)
    await fleet.rest.post(`${fleet.agents}/${id}/pause`)
    expect(await once(early, resume)).toEqual(illegal)
    expect(await read(id)).toMatchObject({ status: 'paused' })

    const project = { path: '/projects', body: slugged() }
    const { body } = await fleet.rest.post<{ id: string }>('/projects', project.body)
    const conflict = await once(taken, project)
    expect(conflict).toMatchObject({ status: 409, body: { errors: [{ field: 'slug' }] } })
    await fleet.rest.delete(`/projects/${body.id}`)
    expect(await once(taken, project)).toEqual(conflict)
    expect(await once(missing, unknown)).toEqual(notFound)
    expect(await once(missing, spawning())).toMatchObject(reused)
  })

  it.each(['', ' ', 'a b', 'tab\there', 'é', 'x'.repeat(256)])('is refused: "%s"', async (key) => {
    const counts = await count()
    const headers = { 'idempotency-key': key }
    const answer = await fleet.rest.call('POST', fleet.agents, spawning().body, headers)
    expect(answer).toEqual(invalid('Idempotency-Key'))
    expect(await count()).toBe(counts)
  })

  it('may have 255 characters of all that is visible in ASCII', async () => {
    for (const key of ['x'.repeat(255), '!"#$%&\'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~']) {
      const request = spawning({ session_id: unique('session') })
      const first = await once(key, request)
      expect(first.status).toBe(201)
      expect(await once(key, request)).toEqual(first)
    }
  })

  it('is ignored by other methods, and by routes that answer a secret', async () => {
    const { id } = await spawn(fleet)
    const path = `${fleet.agents}/${id}`
    const headers = { 'idempotency-key': 'not good' }
    const patch = (status: string) => fleet.rest.call<Agent>('PATCH', path, { status }, headers)
    expect((await patch('working')).body.status).toBe('working')
    expect((await patch('idle')).body.status).toBe('idle')
    expect((await fleet.rest.call('GET', path, undefined, headers)).status).toBe(200)

    const { email, rest } = await addUser(running().rest)
    const secret = async (at: string, body: object, from: Rest) => {
      const two = []
      for (const key of ['the same', 'the same']) {
        const answer = await from.call<object>('POST', at, body, { 'idempotency-key': key })
        expect(answer.status).toBeLessThan(300)
        two.push(JSON.stringify(answer.body))
      }
      expect(two[0]).not.toBe(two[1])
    }
    await secret('/auth/login', { email, password }, rest.as(undefined))
    await secret('/api-keys', { name: 'key', role: 'viewer' }, rest)
    await secret(`${path}/token`, {}, fleet.rest)
  })

  it('gives no one more rights', async () => {
    const outsider = await addUser(running().rest)
    const key = unique('key')
    const forbidden = refusal(403, 'AUTH_004', { message: expect.any(String) })
    const headers = { 'idempotency-key': key }
    expect(await outsider.rest.call('POST', fleet.agents, spawning().body, headers)).toEqual(forbidden)
    const member = `/projects/${fleet.project_id}/members/${outsider.id}`
    await fleet.rest.put(member, { role: 'operator' })
    const made = await once(unique('key'), spawning(), outsider.rest)
    expect(made.status).toBe(201)
    await fleet.rest.delete(member)
    expect(await outsider.rest.call('POST', fleet.agents, spawning().body, headers)).toEqual(forbidden)
  })
})

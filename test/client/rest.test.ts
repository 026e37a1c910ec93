import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operations } from '#src/client/rest/operations.ts'
import { type Api, ApiError, createApi, eachItem } from '#src/client/rest/rest.ts'
import type { App } from '#src/server/app.ts'
import { admin } from '../support/admin.ts'
import { backends, startApp } from '../support/backends.ts'
import { LossyFront } from '../support/lossy-front.ts'
import { unique } from '../support/rest.ts'

const UNKNOWN = '00000000-0000-4000-8000-000000000000'
const rows = Object.entries(operations).flatMap(([group, routes]) =>
  Object.entries(routes).map(([name, { line }]) => ({ group, name, line })),
)

/** The error that a call fails with. */
async function failureOf(call: Promise<unknown>): Promise<ApiError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof ApiError) return error
  throw new Error(`no ApiError: ${error}`)
}

describe.each(backends.slice(0, 1))('the REST client', (backend) => {
  let app: App
  let front: LossyFront
  let origin: string
  let token: string
  let api: Api
  /** Through the front, and with no patience to speak of. */
  let fronted: Api
  let project_id: string
  let agent_type_id: string

  beforeAll(async () => {
    app = await startApp(await backend.config())
    origin = `http://127.0.0.1:${(await app.listen()).port}`
    front = await LossyFront.to(origin)
    token = (await createApi({ url: origin }).auth.login(admin)).access_token
    api = createApi({ url: `${origin}/`, token })
    fronted = createApi({ url: front.origin, token })
    project_id = (await api.projects.create({ name: 'Line', slug: unique('line') })).id
    agent_type_id = (await api.agentTypes.create({ name: 'Driver', slug: unique('driver') })).id
  })
  afterAll(async () => {
    await front.close()
    await app.stop()
  })

  const spawn = (name = 'Ada') => api.agents.spawn(project_id, { agent_type_id, name })

  it('has every route of the OpenAPI document, and no others', async () => {
    const { paths } = (await (await fetch(`${origin}/api/v1/openapi.json`)).json()) as {
      paths: Record<string, object>
    }
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace('/api/v1', '')}`),
    )
    expect(rows.map(({ line }) => line).sort()).toEqual(described.sort())
  })

  it.each(rows.filter(({ name }) => name !== 'stream'))('calls $line', async ({ group, name, line }) => {
    const ids = (line.match(/\{/g) ?? []).map(() => UNKNOWN)
    const [method, path = ''] = line.split(' ')
    front.plan({ status: 200, body: '{}' })
    const calls = fronted[group as keyof typeof operations] as unknown as Record<
      string,
      (...args: unknown[]) => unknown
    >
    await calls[name]?.(...ids, ...(method === 'POST' ? [{}] : []))
    expect(front.seen).toMatchObject([{ method, path: `/api/v1${path.replaceAll(/\{\w+\}/g, UNKNOWN)}` }])
  })

  it('spawns, lists, changes, pauses, resumes and ends an agent', async () => {
    const agent = await spawn('Grace')
    expect(await api.agents.get(project_id, agent.id)).toEqual(agent)
    expect((await api.agents.list(project_id, { q: 'grace', limit: 1 })).data).toEqual([agent])
    expect((await api.agents.update(project_id, agent.id, { tokens_used: 5 })).tokens_used).toBe(5)
    const paused = await api.agents.pause(project_id, agent.id, { reason: 'tea' })
    expect([paused.status, paused.control?.reason]).toEqual(['paused', 'tea'])
    expect((await api.agents.resume(project_id, agent.id)).status).toBe('idle')
    expect(await api.agents.terminate(project_id, agent.id)).toMatchObject({ success: true })
  })

  it('sends a body and a query where a call takes both', async () => {
    const parent = await spawn('Ada')
    const child = await api.agents.spawn(project_id, { agent_type_id, name: 'Eve', parent_id: parent.id })
    front.plan()
    await fronted.agents.terminate(project_id, parent.id, { reason: 'over' }, { mode: 'now', cascade: false })
    await fronted.agents.terminate(project_id, child.id, undefined, { cascade: true })
    const path = `/api/v1/projects/${project_id}/agents`
    expect(front.seen.map((request) => request.path)).toEqual([
      `${path}/${parent.id}?mode=now&cascade=false`,
      `${path}/${child.id}?cascade=true`,
    ])
    const ended = { status: 'terminated', control: { mode: 'now', reason: 'over' } }
    expect(await api.agents.get(project_id, parent.id)).toMatchObject(ended)
    const { control } = await api.agents.get(project_id, child.id)
    expect(control).toMatchObject({ mode: 'graceful', reason: null, cause: { kind: 'order' } })
  })

  it('leaves undefined values out of a query, and encodes the others', async () => {
    front.plan({ status: 200, body: '{}' })
    await fronted.agents.list(project_id, { q: 'a&b=c é', status: undefined, page: 2 })
    expect(front.seen[0]?.path).toBe(`/api/v1/projects/${project_id}/agents?q=a%26b%3Dc+%C3%A9&page=2`)
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'refuses a number that JSON would turn into null: %s',
    (wrong) => {
      const body = { agent_type_id, name: 'Ada', token_limit: wrong }
      expect(() => api.agents.spawn(project_id, body)).toThrow('token_limit must be a finite number')
    },
  )

  it('walks through all pages of a list', async () => {
    const { id } = await api.projects.create({ name: 'Long', slug: unique('long') })
    for (let left = 101; left > 0; left--) await api.issues.create(id, { title: `Issue ${left}` })
    const titles = []
    for await (const { title } of eachItem((page) => api.issues.list(id, page))) titles.push(title)
    expect(titles).toEqual(Array.from({ length: 101 }, (_, index) => `Issue ${index + 1}`))
  })

  it('visits every idle agent although each is paused on the way', async () => {
    const { id } = await api.projects.create({ name: 'Tea', slug: unique('tea') })
    await Promise.all(Array.from({ length: 120 }, () => api.agents.spawn(id, { agent_type_id, name: 'Ada' })))
    for await (const agent of eachItem((page) => api.agents.list(id, { ...page, status: 'idle' })))
      await api.agents.pause(id, agent.id)
    expect((await api.agents.metrics(id)).by_status).toMatchObject({ idle: 0, paused: 120 })
  })

  it('reads pages from a server without cursors', async () => {
    const page = (number: number, has_next: boolean) => ({
      status: 200,
      body: JSON.stringify({ data: [number], pagination: { page: number, has_next } }),
    })
    front.plan(page(1, true), page(2, true), page(3, false))
    const seen = []
    for await (const item of eachItem((query) => fronted.projects.list(query))) seen.push(item)
    expect(seen).toEqual([1, 2, 3])
    const asked = ['cursor=&limit=100', 'page=2&limit=100', 'page=3&limit=100']
    expect(front.seen.map(({ path }) => path)).toEqual(asked.map((query) => `/api/v1/projects?${query}`))
  })

  it('streams events after a number, until its signal aborts', async () => {
    const { id } = await api.projects.create({ name: 'Seen', slug: unique('seen') })
    await api.agents.spawn(id, { agent_type_id, name: 'Ada' })
    const ending = new AbortController()
    const seen: unknown[] = []
    const read = async () => {
      for await (const event of api.with({ signal: ending.signal }).events.stream(id, { after: 0 })) {
        if (event.type === 'reset') throw new Error('a reset')
        seen.push([event.seq, event.name])
        if (event.seq === 2) ending.abort(new Error('enough'))
        else await api.agents.pause(id, event.agent?.id ?? '')
      }
    }
    await expect(read()).rejects.toThrow('enough')
    expect(seen).toEqual([
      [1, 'agent.spawned'],
      [2, 'agent.status_changed'],
    ])
  })

  describe('says of a refusal', () => {
    it('everything that is wrong', async () => {
      const error = await failureOf(api.agents.spawn(project_id, { agent_type_id: 'x', name: '' }))
      expect(error).toMatchObject({ code: 'VAL_001', status: 422, retryable: false })
      expect(error.errors.map(({ field }) => field)).toEqual(['agent_type_id', 'name'])
      expect(error.message).toBe('Must be a UUID; Must not be empty')
      expect(error.request_id).toMatch(/^[\w-]{36}$/)
    })

    it('when to retry', async () => {
      const body = JSON.stringify({
        success: false,
        errors: [{ code: 'SYS_004', message: 'Enough', field: null }],
      })
      front.plan({ status: 429, headers: { 'Retry-After': '60' }, body })
      const error = await failureOf(fronted.projects.list())
      expect(error).toMatchObject({ code: 'SYS_004', status: 429, retryable: true, retry_after_ms: 60_000 })
      expect(front.seen).toHaveLength(1)
    })

    it('that it is not from Signalbox', async () => {
      front.plan({ status: 404, body: '<html>' }, { status: 200, body: '<html>' })
      expect(await failureOf(fronted.projects.list())).toMatchObject({ code: 'bad_answer', status: 404 })
      expect(await failureOf(fronted.projects.list())).toMatchObject({ code: 'bad_answer', status: 200 })
    })

    it('that no server answers', async () => {
      const closed = await LossyFront.to(origin)
      const gone = createApi({ url: closed.origin, retries: 0 })
      await closed.close()
      const error = await failureOf(gone.projects.list())
      expect(error).toMatchObject({ code: 'unreachable', status: 0, retryable: true })
      expect(error.message).toContain('ECONNREFUSED')
    })

    it('that the answer took too long', async () => {
      front.plan('hang')
      const error = await failureOf(fronted.with({ timeout_ms: 50, retries: 0 }).projects.list())
      expect(error).toMatchObject({ code: 'timeout', status: 0, retryable: true })
    })
  })

  it('fails with the reason of its signal, also while it waits for its next attempt', async () => {
    const call = (signal: AbortSignal) => fronted.with({ signal }).projects.list()
    front.plan()
    await expect(call(AbortSignal.abort(new Error('before')))).rejects.toThrow('before')
    expect(front.seen).toHaveLength(0)
    front.plan('hang')
    await expect(call(AbortSignal.timeout(50))).rejects.toThrow(/timeout/)
    front.plan({ status: 503, headers: { 'Retry-After': '9' } })
    await expect(call(AbortSignal.timeout(200))).rejects.toThrow(/timeout/)
    expect(front.seen).toHaveLength(1)
  })

  describe('retries', () => {
    it('a POST whose answer was lost, which takes effect once', async () => {
      front.plan('lose', 'lose')
      const agent = await fronted.agents.spawn(project_id, { agent_type_id, name: 'Once' })
      expect(front.seen).toHaveLength(3)
      expect(new Set(front.seen.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
      expect((await api.agents.list(project_id, { q: 'Once' })).data).toEqual([agent])
    })

    it('a POST with the key of the caller, which takes effect once over several calls', async () => {
      const keyed = api.with({ idempotency_key: unique('key') })
      const body = { agent_type_id, name: 'Twice' }
      expect(await keyed.agents.spawn(project_id, body)).toEqual(await keyed.agents.spawn(project_id, body))
    })

    it('a call that a server or a proxy is not ready for', async () => {
      front.plan(
        { status: 502, body: '<html>' },
        { status: 503, headers: { 'Retry-After': '0' } },
        { status: 429 },
      )
      expect((await fronted.projects.get(project_id)).id).toBe(project_id)
      expect(front.seen).toHaveLength(4)
    })

    it('a refresh whose answer was lost: the server answers a spent token again for a moment', async () => {
      const { refresh_token } = await api.auth.login(admin)
      front.plan('lose')
      expect((await fronted.auth.refresh({ refresh_token })).user.email).toBe(admin.email)
      expect(front.seen).toHaveLength(2)
    })

    it('as often as its options say, and no more', async () => {
      front.plan({ status: 503 }, { status: 503 }, { status: 503 })
      expect((await failureOf(fronted.with({ retries: 1 }).projects.get(project_id))).status).toBe(503)
      expect(front.seen).toHaveLength(2)
    })

    it.each([
      ['a DELETE', (calls: Api) => calls.projects.delete(UNKNOWN)],
      ['a sign-in', (calls: Api) => calls.auth.login(admin)],
      ['the making of a key', (calls: Api) => calls.keys.create({ name: 'Lost', role: 'viewer' })],
    ])('but not %s whose answer was lost', async (_, call) => {
      front.plan('lose')
      expect((await failureOf(call(fronted))).code).toBe('unreachable')
      expect(front.seen).toHaveLength(1)
    })
  })

  describe('asks for its token', () => {
    it('once more after a 401', async () => {
      const asked: unknown[] = []
      const renewing = createApi({
        url: origin,
        token: (refused) => {
          asked.push(refused)
          return refused ? token : 'stale'
        },
      })
      expect((await renewing.users.me()).email).toBe(admin.email)
      expect(asked).toEqual([undefined, 'stale'])
    })

    it('and fails when its source has no other', async () => {
      front.plan()
      const error = await failureOf(createApi({ url: front.origin, token: () => 'stale' }).users.me())
      expect(error).toMatchObject({ status: 401, code: 'AUTH_003' })
      expect(front.seen).toHaveLength(1)
    })

    it('but not to sign in', async () => {
      const asking = createApi({ url: origin, token: () => expect.fail('asked for a token') })
      expect((await asking.auth.login(admin)).user.email).toBe(admin.email)
      const error = await failureOf(asking.auth.login({ ...admin, password: 'wrong' }))
      expect(error).toMatchObject({ status: 401, code: 'AUTH_001' })
    })
  })
})

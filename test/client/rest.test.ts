import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { App } from '#src/app.ts'
import { type Api, ApiError, createApi, eachItem } from '#src/client/rest.ts'
import { operations } from '#src/client/rest-operations.ts'
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

  it('has every route of the OpenAPI document, and no other', async () => {
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

  it('leaves out of a query what is not said, and encodes the rest', async () => {
    front.plan({ status: 200, body: '{}' })
    await fronted.agents.list(project_id, { q: 'a&b=c é', status: undefined, page: 2 })
    expect(front.seen[0]?.path).toBe(`/api/v1/projects/${project_id}/agents?q=a%26b%3Dc+%C3%A9&page=2`)
  })

  it('walks through all pages of a list', async () => {
    const { id } = await api.projects.create({ name: 'Long', slug: unique('long') })
    for (let left = 101; left > 0; left--) await api.issues.create(id, { title: `Issue ${left}` })
    const titles = []
    for await (const { title } of eachItem((page) => api.issues.list(id, page))) titles.push(title)
    expect(new Set(titles).size).toBe(101)
  })

  it('streams events from a number on, until its signal ends it', async () => {
    const { id } = await api.projects.create({ name: 'Seen', slug: unique('seen') })
    await api.agents.spawn(id, { agent_type_id, name: 'Ada' })
    const ending = new AbortController()
    const seen: unknown[] = []
    const read = async () => {
      for await (const event of api.with({ signal: ending.signal }).events.stream(id, { after: 0 })) {
        if (event.type === 'reset') throw new Error('a reset')
        seen.push([event.seq, event.name])
        if (event.seq === 2) ending.abort(new Error('enough'))
        else await api.agents.pause(id, event.agent.id)
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

    it('when to come back', async () => {
      const body = JSON.stringify({
        success: false,
        errors: [{ code: 'SYS_004', message: 'Enough', field: null }],
      })
      front.plan({ status: 429, headers: { 'Retry-After': '60' }, body })
      const error = await failureOf(fronted.projects.list())
      expect(error).toMatchObject({ code: 'SYS_004', status: 429, retryable: true, retry_after_ms: 60_000 })
      expect(front.seen).toHaveLength(1)
    })

    it('that it is none of Signalbox', async () => {
      front.plan({ status: 404, body: '<html>' }, { status: 200, body: '<html>' })
      expect(await failureOf(fronted.projects.list())).toMatchObject({ code: 'bad_answer', status: 404 })
      expect(await failureOf(fronted.projects.list())).toMatchObject({ code: 'bad_answer', status: 200 })
    })

    it('that nobody answers', async () => {
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

  describe('tries again', () => {
    it('a POST whose answer was lost, and it is done once', async () => {
      front.plan('lose', 'lose')
      const agent = await fronted.agents.spawn(project_id, { agent_type_id, name: 'Once' })
      expect(front.seen).toHaveLength(3)
      expect(new Set(front.seen.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
      expect((await api.agents.list(project_id, { q: 'Once' })).data).toEqual([agent])
    })

    it('a POST that is done once over several calls, with a key of the caller', async () => {
      const keyed = api.with({ idempotency_key: unique('key') })
      const body = { agent_type_id, name: 'Twice' }
      expect(await keyed.agents.spawn(project_id, body)).toEqual(await keyed.agents.spawn(project_id, body))
    })

    it('what a server or a proxy is not ready for', async () => {
      front.plan(
        { status: 502, body: '<html>' },
        { status: 503, headers: { 'Retry-After': '0' } },
        { status: 429 },
      )
      expect((await fronted.projects.get(project_id)).id).toBe(project_id)
      expect(front.seen).toHaveLength(4)
    })

    it('as often as it is told to, and no more', async () => {
      front.plan({ status: 503 }, { status: 503 }, { status: 503 })
      expect((await failureOf(fronted.with({ retries: 1 }).projects.get(project_id))).status).toBe(503)
      expect(front.seen).toHaveLength(2)
    })

    it.each([
      ['a DELETE', (calls: Api) => calls.projects.delete(UNKNOWN)],
      ['a refresh', (calls: Api) => calls.auth.refresh({ refresh_token: 'x' })],
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

    it('and fails when there is no other', async () => {
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

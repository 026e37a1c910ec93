import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { App } from '#src/app.ts'
import { refuse } from '#src/domain/errors.ts'
import type { UpgradeTicket } from '#src/http/env.ts'
import { createSignInLimit } from '#src/http/sign-in-limit.ts'
import { type Backend, backends, sharedBackends, startApp } from '../support/backends.ts'
import { createFleet, type Failure, type Fleet, Rest, unique } from '../support/rest.ts'
import { freePort } from '../support/services.ts'
import { readAudit } from './audit.ts'
import { refusal, UNKNOWN, useApp } from './suite.ts'

/** Behind one trusted proxy, so that each test can come from an address of its own. */
const limited = { rate_limit_multiplier: 1, trusted_hops: 1 }

function from(app: App, address: string, token?: string): Rest {
  const send = (path: string, init: RequestInit) => {
    const headers = new Headers(init.headers)
    headers.set('x-forwarded-for', address)
    return app.api.request(path, { ...init, headers }, {})
  }
  return new Rest(send, token)
}

const nobody = { email: 'nobody@example.org', password: 'not the password' }
const exceeded = refusal(429, 'SYS_004', { message: expect.any(String) })
const times = <Result>(count: number, work: () => Promise<Result>) =>
  Promise.all(Array.from({ length: count }, work))

describe.each(backends)('rate limits on $name', (backend) => {
  const running = useApp(backend, limited)
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await createFleet(running().rest)
  })
  const client = (token = fleet.rest.token) => from(running().app, unique('address'), token)
  const spawnBody = () => ({ agent_type_id: fleet.agent_type_id, name: 'Ada' })

  it('the 21st spawn in a minute is 429, and says when to come back', async () => {
    const rest = client()
    for (let left = 19; left >= 0; left--) {
      const answer = await rest.post(fleet.agents, spawnBody())
      expect(answer.status).toBe(201)
      expect(answer.headers.get('ratelimit-limit')).toBe('20')
      expect(answer.headers.get('ratelimit-remaining')).toBe(String(left))
      const reset = Number(answer.headers.get('ratelimit-reset'))
      expect(reset).toBeGreaterThan(0)
      expect(reset).toBeLessThanOrEqual(60)
    }
    const answer = await rest.post(fleet.agents, spawnBody())
    expect(answer).toEqual(exceeded)
    expect(answer.headers.get('retry-after')).toMatch(/^([1-9]|[1-5]\d|60)$/)
    expect(answer.headers.get('ratelimit-remaining')).toBe('0')
    expect((await client().post(fleet.agents, spawnBody())).status).toBe(201)
  })

  it('of thirty spawns at once twenty succeed', async () => {
    const rest = client()
    const answers = await times(30, () => rest.post(fleet.agents, spawnBody()))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(20)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(10)
  })

  it('answers of 401 and 422 use the limit up, and 429 comes before both', async () => {
    const rest = client()
    await times(10, () => rest.as(undefined).post(fleet.agents, {}))
    await times(10, () => rest.post(fleet.agents, {}))
    expect(await rest.as(undefined).post(fleet.agents, {})).toEqual(exceeded)
    expect(await rest.post('/projects/x/agents', 'not json')).toEqual(exceeded)
  })

  it('each route has its own limit', async () => {
    const one = `${fleet.agents}/${UNKNOWN}`
    const table: [method: string, path: string, limit: number][] = [
      ['POST', fleet.agents, 20],
      ['GET', fleet.agents, 60],
      ['GET', `${fleet.agents}/metrics`, 60],
      ['GET', one, 60],
      ['PATCH', one, 30],
      ['POST', `${one}/pause`, 20],
      ['POST', `${one}/resume`, 20],
      ['DELETE', one, 10],
      ['GET', `${one}/metrics`, 60],
      ['POST', '/auth/login', 10],
      ['POST', '/auth/refresh', 30],
      ['POST', '/projects', 30],
      ['GET', '/projects', 60],
      ['GET', `/projects/${UNKNOWN}/events`, 60],
      ['GET', '/ws', 60],
    ]
    const rest = client('nonsense')
    for (const [method, path, limit] of table) {
      const { headers, status } = await rest.call<Failure>(method, path)
      const shown = [method, path, Number(headers.get('ratelimit-limit')), headers.get('ratelimit-remaining')]
      expect(shown).toEqual([method, path, limit, String(limit - 1)])
      expect(status).toBeLessThan(500)
    }
  })

  it('a forged X-Forwarded-For buys nothing: the hop that our proxy saw counts', async () => {
    const address = unique('address')
    const answers = await times(25, () =>
      from(running().app, `${unique('forged')}, ${address}`).post('/auth/login', {}),
    )
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(15)
  })

  it('whoever has a network of IPv6 addresses has one budget, and the trail the address', async () => {
    const addresses = Array.from({ length: 15 }, (_, host) => `2001:db8:0:1::${host + 1}`)
    const login = (address: string) => from(running().app, address).post('/auth/login', nobody)
    const answers = await Promise.all(addresses.map(login))
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(10)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(5)
    const tried = (await readAudit(client())).map(({ details }) => details.address)
    expect(tried.filter((address) => addresses.includes(String(address)))).toHaveLength(10)
  })

  it('an upgrade counts as its network', async () => {
    const headers = {
      'x-forwarded-for': '2001:db8:0:1::5',
      'sec-websocket-version': '13',
      'sec-websocket-key': `${'A'.repeat(22)}==`,
    }
    const upgrade: UpgradeTicket = {}
    await running().app.api.request('/api/v1/ws', { headers }, { upgrade })
    expect(upgrade.accepted).toEqual({ authentication: undefined, address: '2001:db8:0:1::/64' })
  })

  it('health, readiness and metrics are not limited', async () => {
    const response = await running().app.api.request('/healthz', {}, {})
    expect(response.status).toBe(200)
    expect(response.headers.get('ratelimit-limit')).toBeNull()
  })
})

describe('limits of what one IPv6 network does', () => {
  const addresses = Array.from({ length: 50 }, (_, host) => `2001:db8:0:2::${host + 1}`)

  it('count failed sign-ins', async () => {
    const watch = { made() {}, rejected() {}, insured() {} }
    const limitSignIn = createSignInLimit(undefined, 1, watch)
    const signIn = (address: string) =>
      limitSignIn({ email: nobody.email, address }, async () => {
        throw refuse('wrong_login', 'wrong')
      })
    for (const address of addresses)
      await expect(signIn(address)).rejects.toMatchObject({ kind: 'wrong_login' })
    await expect(signIn('2001:db8:0:2::ffff')).rejects.toMatchObject({ kind: 'rate_limited' })
    await expect(signIn('2001:db8:0:3::1')).rejects.toMatchObject({ kind: 'wrong_login' })
  })
})

describe.each(sharedBackends)('two servers that share $name', (backend: Backend) => {
  let apps: [App, App]
  beforeAll(async () => {
    const config = { ...(await backend.config()), ...limited }
    apps = [await startApp(config), await startApp(config)]
  })
  afterAll(() => Promise.all(apps.map((app) => app.stop())))

  it('share one budget', async () => {
    const address = unique('address')
    const { token } = await from(apps[0], address).signIn()
    const fleet = await createFleet(from(apps[0], address, token))
    const body = { agent_type_id: fleet.agent_type_id, name: 'Ada' }
    const spawnFrom = (app: App) => from(app, address, token).post<Failure>(fleet.agents, body)
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => spawnFrom(apps[index % 2 ? 0 : 1])),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(20)
    for (const app of apps) expect(await spawnFrom(app)).toEqual(exceeded)
  })

  it('share sessions, projects and agents', async () => {
    const { token } = await from(apps[0], unique('address')).signIn()
    const fleet = await createFleet(from(apps[0], unique('address'), token))
    expect((await from(apps[1], unique('address'), token).get(`/projects/${fleet.project_id}`)).status).toBe(
      200,
    )
  })
})

describe.each(sharedBackends)('without Redis, on $name', (backend: Backend) => {
  let app: App
  beforeAll(async () => {
    const redis_url = `redis://127.0.0.1:${await freePort()}`
    app = await startApp({ ...(await backend.config()), ...limited, redis_url })
  })
  afterAll(() => app.stop())

  it('the limiter goes on from memory, with the same limits, and requests are answered', async () => {
    const address = unique('address')
    const { token } = await from(app, address).signIn()
    const fleet = await createFleet(from(app, address, token))
    const body = { agent_type_id: fleet.agent_type_id, name: 'Ada' }
    const answers = await times(30, () => from(app, address, token).post<Failure>(fleet.agents, body))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(20)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(10)
    expect(answers[0]?.headers.get('ratelimit-limit')).toBe('20')
  })

  it('the server is ready, and says that Redis is degraded', async () => {
    const ready = await app.api.request('/readyz', {}, {})
    expect(ready.status).toBe(200)
    expect(await ready.json()).toMatchObject({ redis: 'degraded' })
  })
})

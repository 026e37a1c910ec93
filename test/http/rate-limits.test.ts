import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { WrongPassword } from '#src/domain/errors.ts'
import type { UpgradeTicket } from '#src/http/env.ts'
import { createSignInLimit } from '#src/http/sign-in-limit.ts'
import type { App } from '#src/server/app.ts'
import { type Backend, backends, sharedBackends, startApp } from '../support/backends.ts'
import { createFleet, type Failure, type Fleet, Rest, unique } from '../support/rest.ts'
import { freePort } from '../support/services.ts'
import { readAudit } from './audit.ts'
import { addUser, password, refusal, UNKNOWN, useApp } from './suite.ts'

/** Behind one trusted proxy, so that each test can come from an address of its own. */
const limited = { rateLimitMultiplier: 1, trustedHops: 1 }

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

  it('the verdicts of an address are 60,000 a minute, on all paths together', async () => {
    const rest = client()
    for (const [path, left] of [
      ['/verdict', '59999'],
      ['/verdict/v1/models', '59998'],
    ] as const) {
      const { headers } = await rest.post(path)
      expect(headers.get('ratelimit-limit')).toBe('60000')
      expect(headers.get('ratelimit-remaining')).toBe(left)
    }
  })

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

  it('a port or brackets in X-Forwarded-For make no other client', async () => {
    const [ipv4, ipv6] = ['203.0.113.8', '2001:db8::1']
    for (let port = 50_000; port < 50_010; port++) {
      await from(running().app, `${ipv4}:${port}`, fleet.rest.token).post(fleet.agents, spawnBody())
      await from(running().app, `[${ipv6}]:${port}`, fleet.rest.token).post(fleet.agents, spawnBody())
    }
    for (const address of [ipv4, `${ipv4}:1`, `[::ffff:${ipv4}]:1`, ipv6, `[${ipv6}]`, `[2001:db8::2]:443`]) {
      const answer = await from(running().app, address, fleet.rest.token).post(fleet.agents, spawnBody())
      expect(Number(answer.headers.get('ratelimit-remaining')), address).toBeLessThan(10)
    }
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
      ['POST', `${one}/reports`, 6_000],
      ['GET', `${one}/signals/next`, 6_000],
    ]
    const rest = client('nonsense')
    for (const [method, path, limit] of table) {
      const { headers, status } = await rest.call<Failure>(method, path)
      const shown = [method, path, Number(headers.get('ratelimit-limit')), headers.get('ratelimit-remaining')]
      expect(shown).toEqual([method, path, limit, String(limit - 1)])
      expect(status).toBeLessThan(500)
    }
  })

  it('a forged X-Forwarded-For changes nothing: the hop that the trusted proxy saw counts', async () => {
    const address = unique('address')
    const answers = await times(25, () =>
      from(running().app, `${unique('forged')}, ${address}`).post('/auth/login', {}),
    )
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(15)
  })

  it('an IPv6 network has one budget; the trail has the whole address', async () => {
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

describe.each(backends.slice(0, 1))('wrong passwords on $name', (backend) => {
  const running = useApp(backend, limited)
  afterEach(() => vi.useRealTimers())

  it('given as the current one count as failed sign-ins, and lock the account for that address', async () => {
    const user = await addUser(running().rest)
    const address = unique('address')
    const rest = from(running().app, address, user.rest.token)
    const change = (current_password: string) =>
      rest.patch('/users/me', { current_password, password: 'another password' })
    vi.useFakeTimers({ toFake: ['Date'] })
    for (let wrong = 0; wrong < 50; wrong++) {
      // The route has a limit of 30 a minute.
      if (wrong % 25 === 0) vi.setSystemTime(Date.now() + 61_000)
      expect((await change('not the password')).status).toBe(422)
    }
    vi.setSystemTime(Date.now() + 61_000)
    expect(await change(password)).toEqual(exceeded)
    expect(await rest.post('/auth/login', { email: user.email, password })).toEqual(exceeded)
    const elsewhere = from(running().app, unique('address'))
    expect((await elsewhere.post('/auth/login', { email: user.email, password })).status).toBe(200)
  })
})

describe('limits of what one IPv6 network does', () => {
  const addresses = Array.from({ length: 50 }, (_, host) => `2001:db8:0:2::${host + 1}`)

  it('count failed sign-ins', async () => {
    const watch = { made() {}, rejected() {}, insured() {} }
    const limitSignIn = createSignInLimit(undefined, 1, watch)
    const signIn = (address: string) =>
      limitSignIn({ email: nobody.email, address }, async () => {
        throw new WrongPassword('wrong_login', [{ message: 'wrong', field: null }])
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
    const redisUrl = `redis://127.0.0.1:${await freePort()}`
    app = await startApp({ ...(await backend.config()), ...limited, redisUrl })
  })
  afterAll(() => app.stop())

  it('the limiter counts in memory with the same limits, and requests are answered', async () => {
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

import { request } from 'node:http'
import { beforeAll, describe, expect, it } from 'vitest'
import { statement } from '#src/store/database.ts'
import { backends } from '../support/backends.ts'
import { addKey, addToken, createFleetOf } from '../support/cast.ts'
import { type Agent, createFleet, type Fleet, Rest, spawn } from '../support/rest.ts'
import { Stage } from '../support/stage.ts'
import { addUser, invalid, refusal, UNKNOWN, useApp } from './suite.ts'

const stopped = (status: string) => refusal(403, 'RT_005', { message: `Agent is ${status}` })
const allowed = (status: string) => expect.objectContaining({ status: 200, body: { allowed: true, status } })
const anything = { message: expect.any(String) }
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'SEARCH']
const expireTokens = statement(
  'test_expire_agent_tokens',
  `update api_keys set expires_at = now() - interval '1 second' where agent_id = $1`,
)

describe.each(backends)('a verdict on $name', (backend) => {
  const running = useApp(backend, { allowedOrigins: ['https://page.example.org'] })
  let fleet: Fleet
  let agent: Agent
  let token: string
  let runtimeKey: string
  beforeAll(async () => {
    fleet = await createFleet(running().rest)
    agent = await spawn(fleet)
    token = await addToken(fleet.rest, agent)
    const { project_id } = fleet
    runtimeKey = (await addKey(fleet.rest, { role: 'runtime', project_id })).key
  })

  const anybody = () => running().rest.as(undefined)
  const ask = (headers: object, path = '', method = 'GET', body?: string) =>
    anybody().call(method, `/verdict${path}`, body, headers)
  const bearer = (credential: string) => ({ authorization: `Bearer ${credential}` })
  const own = (credential: string) => ({ 'x-signalbox-token': credential })
  async function freshAgent(status?: string) {
    const fresh = await spawn(fleet, status ? { status } : {})
    return { path: `${fleet.agents}/${fresh.id}`, fresh, headers: own(await addToken(fleet.rest, fresh)) }
  }

  it('is yes for each status in which an agent may run, and says which agent and status', async () => {
    for (const status of ['idle', 'working', 'waiting']) {
      const { fresh, headers } = await freshAgent(status)
      const answer = await ask(headers)
      expect(answer).toEqual(allowed(status))
      expect(answer.headers.get('x-signalbox-agent')).toBe(fresh.id)
      expect(answer.headers.get('x-signalbox-status')).toBe(status)
      expect(answer.headers.get('cache-control')).toBe('no-store')
    }
  })

  it('is no from the order on, and yes again once the agent is resumed', async () => {
    const { path, fresh, headers } = await freshAgent('working')
    await fleet.rest.post(`${path}/pause`)
    const answer = await ask(headers)
    expect(answer).toEqual(stopped('paused'))
    expect(answer.headers.get('x-signalbox-agent')).toBe(fresh.id)
    expect(answer.headers.get('x-signalbox-status')).toBe('paused')
    await fleet.rest.post(`${path}/resume`)
    expect(await ask(headers)).toEqual(allowed('idle'))
    await fleet.rest.delete(path)
    const ended = await ask(headers)
    expect(ended).toEqual(stopped('terminated'))
    expect(ended.headers.get('x-signalbox-status')).toBe('terminated')
  })

  it('is the same for every method, path below and body', async () => {
    const paths = [
      '',
      '/',
      '/v1/chat/completions',
      '/v1/x?agent_id=no&y=%E0%A4%A',
      '/%2F..%2F//x',
      '/agents/metrics',
    ]
    for (const path of paths) {
      for (const method of methods) {
        const body = method === 'GET' ? undefined : 'not json'
        const answer = await ask({ ...own(token), 'content-type': 'text/plain' }, path, method, body)
        expect({ method, path, answer }).toEqual({ method, path, answer: allowed('idle') })
      }
    }
    const head = await ask(own(token), '/v1/models', 'HEAD')
    expect(head).toMatchObject({ status: 200, body: '' })
    expect(head.headers.get('x-signalbox-status')).toBe('idle')
  })

  it('has its own path, and no other', async () => {
    for (const path of ['s', 'x/y', '.json']) expect((await ask(own(token), path)).status).toBe(404)
  })

  it('is no preflight, and keeps no answer for an Idempotency-Key', async () => {
    const { path, headers } = await freshAgent()
    const preflight = { origin: 'https://page.example.org', 'access-control-request-method': 'POST' }
    expect((await ask(preflight, '', 'OPTIONS')).status).toBe(401)
    const once = { ...headers, 'idempotency-key': 'once' }
    expect(await ask(once, '', 'POST')).toEqual(allowed('idle'))
    await fleet.rest.post(`${path}/pause`)
    expect(await ask(once, '', 'POST')).toEqual(stopped('paused'))
    expect((await ask({ ...preflight, ...headers }, '', 'OPTIONS')).status).toBe(403)
  })

  it('takes the token from Authorization, too, but X-Signalbox-Token wins', async () => {
    expect(await ask(bearer(token))).toEqual(allowed('idle'))
    const { path, headers } = await freshAgent()
    await fleet.rest.post(`${path}/pause`)
    expect(await ask({ ...headers, ...bearer(token) })).toEqual(stopped('paused'))
    expect(await ask({ ...own(token), authorization: 'Bearer sk-of-a-provider' })).toEqual(allowed('idle'))
    expect(await ask({ ...own(token), authorization: 'Basic eA==' })).toEqual(allowed('idle'))
    expect(await ask({ ...own('sba_wrong'), ...bearer(token) })).toEqual(refusal(401, 'AUTH_003', anything))
  })

  it('takes a runtime key for the agent that it names, in either header', async () => {
    const of = (id: string) => `?agent_id=${id}`
    for (const headers of [own(runtimeKey), bearer(runtimeKey)]) {
      const answer = await ask(headers, of(agent.id))
      expect(answer).toEqual(allowed('idle'))
      expect(answer.headers.get('x-signalbox-agent')).toBe(agent.id)
      expect(await ask(headers, `/v1/x${of(agent.id.toUpperCase())}`, 'POST')).toEqual(allowed('idle'))
      const missing = refusal(422, 'VAL_001', { message: 'Field required', field: 'agent_id' })
      expect(await ask(headers)).toEqual(missing)
      expect(await ask(headers, of('x'))).toEqual(invalid('agent_id'))
      expect(await ask(headers, of(''))).toEqual(invalid('agent_id'))
    }
    const elsewhere = await spawn(await createFleet(fleet.rest))
    for (const id of [UNKNOWN, elsewhere.id]) {
      const message = `Agent ${id} not found in project ${fleet.project_id}`
      expect(await ask(own(runtimeKey), of(id))).toEqual(refusal(404, 'SYS_002', { message }))
    }
  })

  it('takes a token for its own agent, whatever the query says', async () => {
    const { headers } = await freshAgent('working')
    expect(await ask(headers, `?agent_id=${agent.id}`)).toEqual(allowed('working'))
  })

  it('is refused without credentials, and with bad ones', async () => {
    expect(await ask({})).toEqual(refusal(401, 'AUTH_006', anything))
    expect(await ask(own(''))).toEqual(refusal(401, 'AUTH_006', anything))
    for (const headers of [
      own('x'),
      own(`Bearer ${token}`),
      own(`${token}x`),
      bearer('x'),
      { authorization: 'x' },
    ]) {
      const answer = await ask(headers)
      expect({ headers, answer }).toEqual({ headers, answer: refusal(401, 'AUTH_003', anything) })
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    }
    const { fresh, headers } = await freshAgent()
    await running().app.database.run(expireTokens, [fresh.id])
    expect(await ask(headers)).toEqual(refusal(401, 'AUTH_002', anything))
  })

  it('is for runtimes alone, in either header', async () => {
    const { project_id } = fleet
    const operator = (await addKey(fleet.rest, { role: 'operator', project_id })).key
    for (const credential of [running().rest.token ?? '', operator]) {
      for (const headers of [own(credential), bearer(credential)])
        expect(await ask(headers, `?agent_id=${agent.id}`)).toEqual(refusal(403, 'AUTH_004', anything))
    }
  })

  it('ends with the rights of whoever made the credential', async () => {
    const owner = await addUser(fleet.rest)
    const lent = await createFleetOf(owner.rest, fleet.rest)
    const lentAgent = await spawn(lent)
    const { project_id } = lent
    const fallen = await addUser(fleet.rest, { is_superuser: true })
    const { key } = await addKey(fallen.rest, { role: 'runtime', project_id })
    const credentials = [await addToken(fallen.rest, lentAgent), key]
    const askAll = () => Promise.all(credentials.map((one) => ask(own(one), `?agent_id=${lentAgent.id}`)))
    expect(await askAll()).toEqual([allowed('idle'), allowed('idle')])
    await fleet.rest.patch(`/users/${fallen.id}`, { is_superuser: false })
    const message = 'You do not have access to this project'
    const lost = refusal(403, 'AUTH_004', { message })
    expect(await askAll()).toEqual([lost, lost])
    await fleet.rest.patch(`/users/${fallen.id}`, { is_active: false })
    const gone = refusal(401, 'AUTH_003', anything)
    expect(await askAll()).toEqual([gone, gone])
  })
})

describe.each(backends)('over the network, on $name', (backend) => {
  let stage: Stage
  let fleet: Fleet
  beforeAll(async () => {
    stage = await Stage.start(backend)
    fleet = await createFleet(stage.superuser)
    return () => stage.stop()
  })

  /** Sends a target to the letter. */
  const send = (target: string, headers: Record<string, string> = {}) =>
    new Promise<number | undefined>((resolve, reject) => {
      const { port } = new URL(stage.origins[0] ?? '')
      request({ host: '127.0.0.1', port, path: target, headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end()
    })

  it.each([
    '/api/v1/verdict/../openapi.json',
    '/api/v1/verdict/../../../healthz',
    '/api/v1/verdict/%2e%2e/openapi.json',
    '/api/v1/verdict/x/..%2f/.%2E/../openapi.json',
    '/api/v1/verdict?/../openapi.json',
    '/api/v1/verdict/..',
  ])('a path that leads out of it is answered like any other: %s', async (target) => {
    const agent = await spawn(fleet)
    const headers = { 'x-signalbox-token': await addToken(fleet.rest, agent) }
    expect(await send(target)).toBe(401)
    expect(await send(target, headers)).toBe(200)
    await fleet.rest.post(`${fleet.agents}/${agent.id}/pause`)
    expect(await send(target, headers)).toBe(403)
    expect(await send(`/api/v1/verdict/../projects/${fleet.project_id}/agents/${agent.id}`, headers)).toBe(
      403,
    )
  })

  it('a large body is neither read nor waited for', async () => {
    const headers = { 'x-signalbox-token': await addToken(fleet.rest, await spawn(fleet)) }
    const body = 'x'.repeat(1024 * 1024)
    const answer = await fetch(`${stage.origins[0]}/api/v1/verdict/v1`, { method: 'POST', headers, body })
    expect(await answer.json()).toEqual({ allowed: true, status: 'idle' })
  })

  it('every server knows an order at once', async () => {
    const agent = await spawn(fleet)
    const token = await addToken(fleet.rest, agent)
    const verdicts = () =>
      Promise.all(
        stage.apps.map(
          async (app) =>
            (await Rest.of(app).call('GET', '/verdict', undefined, { 'x-signalbox-token': token })).status,
        ),
      )
    for (const [action, status] of [
      ['pause', 403],
      ['resume', 200],
      ['pause', 403],
    ] as const) {
      await fleet.rest.post(`${fleet.agents}/${agent.id}/${action}`)
      expect(await verdicts()).toEqual(stage.apps.map(() => status))
    }
  })
})

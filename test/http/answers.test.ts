import { beforeAll, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { type Agent, createFleet, type Failure, type Fleet, spawn } from '../support/rest.ts'
import { addUser, invalid, refusal, UNKNOWN, type User, useApp } from './suite.ts'

const anything = { message: expect.any(String) }
const noCredentials = refusal(401, 'AUTH_006', anything)

describe.each(backends)('answers on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  let agent: Agent
  let stranger: Awaited<ReturnType<typeof addUser>>
  beforeAll(async () => {
    fleet = await createFleet(running().rest)
    agent = await spawn(fleet)
    stranger = await addUser(running().rest)
  })

  const request = (path: string, init?: RequestInit) => running().app.api.request(`/api/v1${path}`, init, {})

  describe('come in the order of the contract:', () => {
    it('an unknown route is 404 without credentials', async () => {
      const anonymous = fleet.rest.as(undefined)
      for (const path of [
        '/nothing',
        '/projects/x/nothing',
        `${fleet.agents}/${agent.id}/dance`,
        '/agents',
      ]) {
        expect(await anonymous.get(path)).toEqual(refusal(404, 'SYS_002', anything))
      }
      expect((await running().app.api.request('/nowhere', {}, {})).status).toBe(404)
    })

    it('a wrong method is 405 with Allow, without credentials and with a path that is not valid', async () => {
      const anonymous = fleet.rest.as(undefined)
      const allowed = async (method: string, path: string) => {
        const answer = await anonymous.call<Failure>(method, path)
        expect(answer).toEqual(refusal(405, 'SYS_003', anything))
        return answer.headers.get('allow')?.split(', ').sort()
      }
      expect(await allowed('PUT', '/projects/x/agents')).toEqual(['GET', 'HEAD', 'POST'])
      expect(await allowed('POST', `${fleet.agents}/x`)).toEqual(['DELETE', 'GET', 'HEAD', 'PATCH'])
      expect(await allowed('GET', `${fleet.agents}/x/pause`)).toEqual(['POST'])
      expect(await allowed('POST', `${fleet.agents}/metrics`)).toEqual(['GET', 'HEAD'])
      expect(await allowed('GET', '/auth/login')).toEqual(['POST'])
    })

    it.each([
      '/api/v1/openapi.json',
      '/api/v1/asyncapi.json',
      '/api/v1/docs',
      '/api/v1/ws',
      '/healthz',
      '/readyz',
      '/metrics',
    ])('a POST to %s is 405 with Allow', async (path) => {
      const response = await running().app.api.request(path, { method: 'POST' }, {})
      expect({ path, status: response.status }).toEqual({ path, status: 405 })
      expect(response.headers.get('allow')).toMatch(/^GET/)
    })

    it('missing credentials come before a wrong path and body', async () => {
      const anonymous = fleet.rest.as(undefined)
      expect(await anonymous.post('/projects/x/agents', 'not json')).toEqual(noCredentials)
      expect(await anonymous.get(`/projects/${UNKNOWN}/agents?limit=0`)).toEqual(noCredentials)
    })

    it('a wrong path and body come before an unknown project', async () => {
      const unknown = `/projects/${UNKNOWN}/agents`
      expect(await fleet.rest.post(unknown, {})).toEqual(invalid('agent_type_id', 'name'))
      expect(await fleet.rest.get(`${unknown}?limit=0`)).toEqual(invalid('limit'))
      expect(await stranger.rest.get(`${fleet.agents}/not-a-uuid`)).toEqual(invalid('agent_id'))
      const body = { agent_type_id: UNKNOWN, name: 'x' }
      expect(await fleet.rest.post(unknown, body)).toEqual(
        refusal(404, 'SYS_002', { message: `Project ${UNKNOWN} not found` }),
      )
    })

    it("another's project is 403 before its agents and types are looked for", async () => {
      const forbidden = refusal(403, 'AUTH_004', { message: 'You do not have access to this project' })
      const one = `${fleet.agents}/${UNKNOWN}`
      const { rest } = stranger
      expect(await rest.get(fleet.agents)).toEqual(forbidden)
      expect(await rest.get(`${fleet.agents}/metrics`)).toEqual(forbidden)
      expect(await rest.get(one)).toEqual(forbidden)
      expect(await rest.get(`${one}/metrics`)).toEqual(forbidden)
      expect(await rest.patch(one, {})).toEqual(forbidden)
      expect(await rest.post(`${one}/pause`)).toEqual(forbidden)
      expect(await rest.post(`${one}/resume`)).toEqual(forbidden)
      expect(await rest.delete(one)).toEqual(forbidden)
      expect(await rest.post(fleet.agents, { agent_type_id: UNKNOWN, name: 'x' })).toEqual(forbidden)
      expect((await rest.get<Failure>(`/projects/${UNKNOWN}/agents`)).status).toBe(404)
    })

    it('the owner of a project may do everything in it', async () => {
      const owner = await addUser(running().rest)
      const project = await owner.rest.post<{ id: string }>('/projects', {
        name: 'Own',
        slug: `own-${owner.id}`,
      })
      const own = { ...fleet, rest: owner.rest, agents: `/projects/${project.body.id}/agents` }
      const mine = await spawn(own)
      expect((await own.rest.post(`${own.agents}/${mine.id}/pause`)).status).toBe(200)
      expect((await own.rest.delete(`${own.agents}/${mine.id}`)).status).toBe(200)
    })
  })

  it('every wrong UUID of a path is named', async () => {
    expect(await fleet.rest.get('/projects/1/agents/2')).toEqual(invalid('project_id', 'agent_id'))
    expect(await fleet.rest.get('/projects/%E0%A4%A/agents')).toEqual(invalid('project_id'))
    expect(await fleet.rest.get('/projects/%00/agents')).toEqual(invalid('project_id'))
    expect((await fleet.rest.get(`/projects/${fleet.project_id.toUpperCase()}/agents`)).status).toBe(200)
  })

  it('a body that is not JSON is 400', async () => {
    for (const body of ['{', '', '{"a":1}}', "{'a':1}", 'undefined']) {
      expect(await fleet.rest.post('/projects', body)).toEqual(refusal(400, 'VAL_006', anything))
    }
    expect(await fleet.rest.post(`${fleet.agents}/${agent.id}/pause`, '{')).toEqual(
      refusal(400, 'VAL_006', anything),
    )
  })

  it('a body of another type is 415, one of JSON with a charset is fine', async () => {
    const send = (type: string) => fleet.rest.call('POST', '/projects', '{}', { 'content-type': type })
    expect(await send('text/plain')).toEqual(refusal(415, 'VAL_006', anything))
    expect(await send('application/x-www-form-urlencoded')).toEqual(refusal(415, 'VAL_006', anything))
    expect(await send('application/jsonx')).toEqual(refusal(415, 'VAL_006', anything))
    expect((await send('Application/JSON; charset=utf-8')).status).toBe(422)
  })

  it('a body over 256 KiB is 413, one of 256 KiB is read', async () => {
    const bytes = (count: number) => JSON.stringify({ name: 'x'.repeat(count - '{"name":""}'.length) })
    expect((await fleet.rest.post('/projects', bytes(256 * 1024))).status).toBe(422)
    const over = bytes(256 * 1024 + 1)
    expect(await fleet.rest.post('/projects', over)).toEqual(refusal(413, 'VAL_006', anything))
    const length = { 'content-length': String(over.length) }
    expect(await fleet.rest.call('POST', '/projects', over, length)).toEqual(
      refusal(413, 'VAL_006', anything),
    )
  })

  it('every 401 asks for a bearer token', async () => {
    for (const authorization of ['', 'Bearer nonsense', 'Basic YTpi', 'Bearer', 'nonsense']) {
      const headers: Record<string, string> = authorization ? { authorization } : {}
      const response = await request('/users/me', { headers })
      expect({ authorization, status: response.status }).toEqual({ authorization, status: 401 })
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/)
    }
    expect(
      (await request('/users/me', { headers: { authorization: `bearer ${fleet.rest.token}` } })).status,
    ).toBe(200)
  })

  it('carry the request id of the caller, or a new one if it is invalid', async () => {
    const idOf = async (given?: string, path = '/users/me') => {
      const response = await request(path, { headers: given === undefined ? {} : { 'x-request-id': given } })
      return response.headers.get('x-request-id') ?? ''
    }
    for (const id of ['a', 'A-z_0.9', 'x'.repeat(128)]) {
      expect(await idOf(id)).toBe(id)
      expect(await idOf(id, '/nothing')).toBe(id)
    }
    for (const id of ['', 'x'.repeat(129), 'a b', 'a/b', 'é', '{}', undefined]) {
      const made = await idOf(id)
      expect(made).toMatch(/^[A-Za-z0-9._-]{1,128}$/)
      expect(made).not.toBe(await idOf(id))
    }
  })

  it('a HEAD answers as a GET does, without a body', async () => {
    const headers = { authorization: `Bearer ${fleet.rest.token}` }
    const response = await request(`${fleet.agents}/${agent.id}`, { method: 'HEAD', headers })
    expect(response.status).toBe(200)
    expect(await response.text()).toBe('')
  })

  it('a user is never shown with a password', async () => {
    const { body } = await running().rest.get<User>(`/users/${stranger.id}`)
    expect(Object.keys(body).sort()).toEqual(
      ['created_at', 'email', 'full_name', 'id', 'is_active', 'is_superuser', 'updated_at'].sort(),
    )
  })
})

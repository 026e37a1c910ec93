import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { App } from '#src/server/app.ts'
import { type EventPage, password } from '../http/suite.ts'
import { Assistant } from '../support/assistant.ts'
import { backends, startApp } from '../support/backends.ts'
import { addKey } from '../support/cast.ts'
import { eventually } from '../support/eventually.ts'
import { createFleet, type Failure, type Fleet, Rest, spawn, unique } from '../support/rest.ts'

const acting = ['pause_agents', 'terminate_agents', 'spawn_agent', 'answer_request']

describe.each(backends)('MCP over HTTP on $name', (backend) => {
  let app: App
  let origin: string
  let fleet: Fleet
  const assistants: Assistant[] = []
  beforeAll(async () => {
    // Orders for many: one a minute.
    app = await startApp({ ...(await backend.config()), rateLimitMultiplier: 0.1, trustedHops: 1 })
    origin = `http://127.0.0.1:${(await app.listen()).port}`
    const rest = await new Rest(send('192.0.2.1')).signIn()
    fleet = await createFleet(rest)
    await spawn(fleet)
  })
  afterAll(async () => {
    await Promise.all(assistants.map((one) => one.close()))
    await app.stop()
  })

  /** Each caller has an address of its own, so that one's limits are not another's. */
  const send = (address: string) => (path: string, init: RequestInit) =>
    fetch(origin + path, { ...init, headers: { ...init.headers, 'x-forwarded-for': address } })

  const post = (headers: Record<string, string>, body: unknown = {}) =>
    fetch(`${origin}/api/v1/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: JSON.stringify(body),
    })

  const connect = async (token: string | undefined, address: string) => {
    const assistant = await Assistant.overHttp(origin, token, 'auto', { 'x-forwarded-for': address })
    assistants.push(assistant)
    return assistant
  }

  it('asks for credentials, and takes only POST from known origins', async () => {
    const authorization = `Bearer ${fleet.rest.token}`
    const bare = await post({})
    expect(bare.status).toBe(401)
    expect(bare.headers.get('www-authenticate')).toBe('Bearer')
    expect(((await bare.json()) as Failure).errors).toMatchObject([{ code: 'AUTH_006' }])
    expect((await post({ authorization: 'Bearer sbx_nil' })).status).toBe(401)
    expect((await post({ authorization, origin: 'https://elsewhere.example' })).status).toBe(403)
    const got = await fetch(`${origin}/api/v1/mcp`, { headers: { authorization } })
    expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST'])
    expect((await post({ authorization }, { text: 'x'.repeat(300_000) })).status).toBe(413)
  })

  it("lets a viewer's key read, and offers it no tool that acts", async () => {
    const { key } = await addKey(fleet.rest, { project_id: fleet.project_id })
    const viewer = await connect(key, '192.0.2.2')
    const names = await viewer.toolNames()
    expect(names).toContain('list_agents')
    expect(names.filter((name) => acting.includes(name))).toEqual([])
    expect(await viewer.get('list_agents')).toMatchObject({ agents: [{ name: 'Ada' }] })
    await expect(viewer.call('pause_agents', { all: true, reason: 'x' })).rejects.toThrow('not found')
    expect(viewer.client.getInstructions()).toContain('only read')
  })

  it('refuses a viewer in the words of REST, whatever the tools', async () => {
    const address = '192.0.2.3'
    const user = { email: `${unique('viewer')}@example.org`, password }
    const { body } = await fleet.rest.post<{ id: string }>('/users', user)
    await fleet.rest.put(`/projects/${fleet.project_id}/members/${body.id}`, { role: 'viewer' })
    const viewer = await connect((await new Rest(send(address)).signIn(user)).token, address)
    const { isError, text } = await viewer.call('pause_agents', { all: true, reason: 'x' })
    expect({ isError, text }).toEqual({
      isError: true,
      text: expect.stringContaining('Your role (viewer) may not do this (AUTH_004)'),
    })
  })

  it("acts as an operator's key, which the log names, within the limits of its address", async () => {
    const { key, id } = await addKey(fleet.rest, { project_id: fleet.project_id, role: 'operator' })
    const operator = await connect(key, '192.0.2.4')
    await operator.get('pause_agents', { all: true, reason: 'fog' })
    const { body } = await fleet.rest.get<EventPage>(`/projects/${fleet.project_id}/events?after=1`)
    expect(body.data).toMatchObject([{ to: 'paused', actor: { kind: 'api_key', id } }])
    const order = { agents: ['Ada'], reason: 'clear' }
    expect(await operator.call('resume_agents', order)).toMatchObject({
      isError: true,
      text: expect.stringMatching(/^Rate limit exceeded: 1 per minute \(SYS_004\): try again in \d+ s$/),
    })
    const elsewhere = await connect(key, '192.0.2.5')
    expect(await elsewhere.get('resume_agents', order)).toMatchObject({ affected_count: 1 })
  })

  it('ends a wait when the server stops', async () => {
    const operator = await connect(fleet.rest.token, '192.0.2.6')
    const waiting = operator.call('wait_for_event', { project: fleet.project_id })
    await eventually(() => app.hub.feeds().length > 0)
    const began = performance.now()
    const stopping = app.stop()
    expect(await waiting).toMatchObject({ isError: true, text: expect.stringContaining('stopping') })
    await stopping
    // Without it, the connection would be cut after the 8 s that requests get.
    expect(performance.now() - began).toBeLessThan(6_000)
  })
})

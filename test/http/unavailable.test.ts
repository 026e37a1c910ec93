import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { App } from '#src/server/app.ts'
import { type Backend, sharedBackends, startApp } from '../support/backends.ts'
import { type Agent, createFleet, type Failure, type Fleet, Rest, spawn } from '../support/rest.ts'
import { freePort } from '../support/services.ts'
import { refusal } from './suite.ts'

/** A wire to PostgreSQL that can be cut and mended. */
class Wire {
  readonly port: number
  readonly #target: { host: string; port: number }
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined

  constructor(port: number, target: URL) {
    this.port = port
    this.#target = { host: target.hostname, port: Number(target.port || 5432) }
  }

  async mend(): Promise<void> {
    this.#server = createServer((near) => {
      const far = connect(this.#target)
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(socket)
        socket.on('error', () => {})
        socket.on('close', () => {
          this.#sockets.delete(socket)
          other.destroy()
        })
      }
      near.pipe(far).pipe(near)
    }).listen(this.port, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  async cut(): Promise<void> {
    const closed = this.#server && once(this.#server, 'close')
    this.#server?.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}

describe.each(sharedBackends)('without its database, on $name', (backend: Backend) => {
  let app: App
  let wire: Wire
  let fleet: Fleet
  let agent: Agent
  beforeAll(async () => {
    const config = await backend.config()
    const url = new URL(config.databaseUrl ?? '')
    wire = new Wire(await freePort(), url)
    await wire.mend()
    url.hostname = '127.0.0.1'
    url.port = String(wire.port)
    app = await startApp({ ...config, databaseUrl: url.href })
    fleet = await createFleet(await Rest.of(app).signIn())
    agent = await spawn(fleet)
  })
  afterAll(async () => {
    await app.stop()
    await wire.cut()
  })

  const unavailable = refusal(503, 'DB_001', { message: expect.any(String) })

  it('every route answers 503 with Retry-After, and works once the database is back', async () => {
    const one = `${fleet.agents}/${agent.id}`
    const project = `/projects/${fleet.project_id}`
    const calls: [method: string, path: string, body?: object][] = [
      ['POST', '/auth/login', { email: 'a@example.org', password: 'a long password' }],
      ['POST', '/auth/refresh', { refresh_token: 'x' }],
      ['POST', '/auth/logout', { refresh_token: 'x' }],
      ['GET', '/users/me'],
      ['GET', '/users'],
      ['GET', '/projects'],
      ['POST', '/projects', { name: 'x', slug: 'x' }],
      ['GET', project],
      ['GET', '/agent-types'],
      ['GET', fleet.agents],
      ['POST', fleet.agents, { agent_type_id: fleet.agent_type_id, name: 'Ada' }],
      ['GET', `${fleet.agents}/metrics`],
      ['GET', one],
      ['PATCH', one, { tokens_used: 1 }],
      ['POST', `${one}/pause`],
      ['DELETE', one],
      ['GET', `${project}/issues`],
      ['POST', `${project}/issues`, { title: 'Fix' }],
      ['GET', `${project}/events`],
      ['GET', '/verdict'],
      ['POST', '/verdict/v1/chat/completions', {}],
    ]
    await wire.cut()
    for (const [method, path, body] of calls) {
      const answer = await fleet.rest.call<Failure>(method, path, body)
      expect({ method, path, answer }).toEqual({ method, path, answer: unavailable })
      expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
    }
    expect((await app.api.request('/healthz', {}, {})).status).toBe(200)
    const notReady = await app.api.request('/readyz', {}, {})
    expect(notReady.status).toBe(503)
    expect(notReady.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)

    await wire.mend()
    expect((await app.api.request('/readyz', {}, {})).status).toBe(200)
    expect((await fleet.rest.get<Agent>(one)).body).toEqual(agent)
    expect((await fleet.rest.post<Agent>(`${one}/pause`)).body).toMatchObject({ status: 'paused', seq: 2 })
  })

  it('a wrong request still learns what is wrong with it', async () => {
    await wire.cut()
    expect((await fleet.rest.as(undefined).get(fleet.agents)).status).toBe(401)
    expect((await fleet.rest.get('/nothing')).status).toBe(404)
    expect((await fleet.rest.call('PUT', fleet.agents)).status).toBe(405)
    await wire.mend()
  })
})

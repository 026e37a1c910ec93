import { connect } from 'node:net'
import { beforeAll, describe, expect, it } from 'vitest'
import { MAX_SOCKETS_OF_PRINCIPAL } from '#src/realtime/bounds.ts'
import type { App } from '#src/server/app.ts'
import { backends, startApp } from '../support/backends.ts'
import { eventually } from '../support/eventually.ts'
import { createFleet, type Fleet, Rest, spawn } from '../support/rest.ts'
import { useApp } from './suite.ts'

/** Holds up whoever opens a stream, from when `isAsked` resolves until `go` is called. */
const hold = ({ hub }: Pick<App, 'hub'>) => {
  const [asked, going] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const acquire = hub.acquire.bind(hub)
  hub.acquire = async (project_id) => {
    asked.resolve()
    await going.promise
    return acquire(project_id)
  }
  return { isAsked: asked.promise, go: going.resolve, restore: () => Object.assign(hub, { acquire }) }
}

describe.each(backends.slice(0, 1))('a stream of events that is given up leaves nothing open', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await createFleet(running().rest)
    await spawn(fleet)
  })

  const open = (init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${running().rest.token}` }
    const path = `/api/v1/projects/${fleet.project_id}/events/stream?after=0`
    return running().app.api.request(path, { ...init, headers }, {})
  }
  const feeds = () => running().app.hub.feeds().length

  it('before its first byte was read', async () => {
    const response = await open()
    expect(feeds()).toBe(1)
    await response.body?.cancel()
    expect(feeds()).toBe(0)
  })

  it('by a HEAD, which has no body to read', async () => {
    const response = await open({ method: 'HEAD' })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(response.body).toBeNull()
    expect(feeds()).toBe(0)
  })

  it('while its next event is waited for', async () => {
    const response = await open()
    const reader = response.body?.getReader()
    let text = ''
    while (!text.includes('agent.spawned')) text += new TextDecoder().decode((await reader?.read())?.value)
    const waiting = reader?.read()
    await reader?.cancel()
    expect(await waiting).toMatchObject({ done: true })
    expect(feeds()).toBe(0)
  })

  it('and makes room: with 1,000 of them one more is a 429 that says when to come back', async () => {
    const responses: Response[] = []
    for (let left = MAX_SOCKETS_OF_PRINCIPAL; left > 0; left--) responses.push(await open())
    expect(responses.every(({ status }) => status === 200)).toBe(true)
    const late = await open()
    expect(late.status).toBe(429)
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await late.json()).toMatchObject({
      errors: [{ code: 'SYS_004', message: 'Too many connections' }],
    })
    for (const response of responses) await response.body?.cancel()
    const next = await open()
    expect(next.status).toBe(200)
    await next.body?.cancel()
    expect(feeds()).toBe(0)
  })

  it('while it is opened', async () => {
    const { app, rest } = running()
    const { port } = await app.listen()
    const held = hold(app)
    const headers = `Host: x\r\nAuthorization: Bearer ${rest.token}`
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET /api/v1/projects/${fleet.project_id}/events/stream HTTP/1.1\r\n${headers}\r\n\r\n`)
    await held.isAsked
    socket.destroy()
    const other = await fetch(`http://127.0.0.1:${port}/healthz`)
    expect(other.status).toBe(200)
    held.go()
    held.restore()
    await eventually(async () => feeds() === 0)
  })
})

it('a server that stops does not wait for a stream that was being opened', async () => {
  const app = await startApp((await backends[0]?.config()) ?? {})
  const { rest, project_id } = await createFleet(await Rest.of(app).signIn())
  const { port } = await app.listen()
  const held = hold(app)
  const headers = { authorization: `Bearer ${rest.token}` }
  const asking = fetch(`http://127.0.0.1:${port}/api/v1/projects/${project_id}/events/stream`, { headers })
  await held.isAsked
  const stopping = app.stop()
  held.go()
  // One that is cut off in the end has no whole body.
  expect(await (await asking).text()).toBe(': signalbox\n\n')
  await stopping
})

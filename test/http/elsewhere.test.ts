import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { eventually } from '../support/eventually.ts'
import { createFleet, type Fleet, spawn } from '../support/rest.ts'
import { Stage } from '../support/stage.ts'

describe.each(backends.slice(0, 1))('a WebSocket handshake at another path', (backend) => {
  let stage: Stage
  let fleet: Fleet
  beforeAll(async () => {
    stage = await Stage.start(backend)
    fleet = await createFleet(stage.superuser)
    await spawn(fleet)
  })
  afterAll(() => stage.stop())

  it('is a request like any other: a stream of events begins, and ends with its peer', async () => {
    const { hostname, port } = new URL(stage.origins[0] ?? '')
    const socket = connect(Number(port), hostname)
    const received: string[] = []
    socket.on('data', (data) => received.push(data.toString()))
    socket.write(
      `GET /api/v1/projects/${fleet.project_id}/events/stream?after=0 HTTP/1.1\r\nHost: x\r\n` +
        `Connection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer ${fleet.rest.token}\r\n\r\n`,
    )
    await eventually(async () => received.join('').includes('agent.spawned'))
    expect(received.join('')).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(stage.app.hub.feeds()).toHaveLength(1)
    socket.destroy()
    await eventually(async () => stage.app.hub.feeds().length === 0)
  })
})

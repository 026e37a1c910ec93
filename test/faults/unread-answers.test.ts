import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sharedBackends } from '../support/backends.ts'
import { withServer } from '../support/databases.ts'
import { fillFleetText } from '../support/load.ts'
import { createFleet, type Fleet, Rest } from '../support/rest.ts'
import { ServerProcess } from '../support/server-process.ts'

const READERS = 58
const MEGABYTE = 1024 * 1024

describe.each(sharedBackends)('unread answers, on $name,', ({ config }) => {
  let server: ServerProcess
  let fleet: Fleet
  const sockets: Socket[] = []
  beforeAll(async () => {
    const { databaseUrl = '', redisUrl = '' } = await config()
    server = await ServerProcess.start({ DATABASE_URL: databaseUrl, REDIS_URL: redisUrl })
    fleet = await createFleet(await Rest.at(server.origin).signIn())
    const values = [fleet.project_id, fleet.agent_type_id, '\u0001'.repeat(32_768), 60]
    await withServer(databaseUrl, (client) => client.query(fillFleetText, values))
    await fleet.rest.post(`${fleet.agents}/actions`, { action: 'pause', all: true })
  })
  afterAll(async () => {
    for (const socket of sockets) socket.destroy()
    await server.end()
  })

  /** Sends a request and reads the head of its answer, and nothing more. */
  const ask = async (path: string): Promise<number> => {
    const socket = connect(Number(new URL(server.origin).port), '127.0.0.1')
    sockets.push(socket)
    socket.on('error', () => {})
    const lines = [`GET /api/v1${path} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${fleet.rest.token}`]
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    const [head] = (await once(socket, 'data')) as [Buffer]
    socket.pause()
    return Number(head.subarray(9, 12).toString())
  }

  it('take no more of the server than one user may leave unread, and leave others alone', async () => {
    const path = `/projects/${fleet.project_id}/events?limit=1000`
    const before = server.memory()
    const statuses = await Promise.all(Array.from({ length: READERS }, () => ask(path)))
    expect(new Set(statuses)).toEqual(new Set([200, 429]))
    expect((server.memory() - before) / MEGABYTE).toBeLessThan(160)
    expect((await fleet.rest.get('/users/me')).status).toBe(200)
    for (const socket of sockets) socket.destroy()
    // The server notices the last of them in its own time.
    let status = 429
    while (status === 429) status = (await fleet.rest.get(path)).status
    expect(status).toBe(200)
  })
})

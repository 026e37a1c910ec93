import { describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { type Connection, connect } from '#src/client/connection/connection.ts'
import type { ConnectionState } from '#src/client/connection/state.ts'
import { watchProject } from '#src/client/watch/watch.ts'
import { SUBPROTOCOL } from '#src/protocol/bounds.ts'
import { addUser } from '../http/suite.ts'
import { makeShortToken } from '../support/access-token.ts'
import { backends } from '../support/backends.ts'
import { addKey, createFleetOf } from '../support/cast.ts'
import { freePort } from '../support/services.ts'
import { becomes, useScene } from './support.ts'

/** A connection's states as they come. */
function statesOf(connection: Connection): string[] {
  const kinds: string[] = [connection.state.kind]
  connection.on('state', ({ kind }) => kinds.push(kind))
  return kinds
}

describe.each(backends.slice(-1))('the token of a connection, on $name', (backend) => {
  const scene = useScene(backend)

  it.concurrent('is renewed before it expires, without a disconnect', async () => {
    const { id } = await addUser(scene().stage.superuser)
    const { promise: outlived, resolve } = Promise.withResolvers<void>()
    let firstEnds = 0
    const token = () => {
      const short = makeShortToken(id, 6)
      firstEnds ||= short.ends
      if (Date.now() > firstEnds) resolve()
      return short.token
    }
    const connection = connect({ ...scene().reach, token })
    const states = statesOf(connection)
    await outlived
    connection.close()
    expect(states).toEqual(['connecting', 'open', 'closed'])
  })

  it.concurrent('that is refused is replaced, and never sent again', async () => {
    const { reach } = scene()
    const asked: (string | undefined)[] = []
    const token = async (refused: string | undefined) => {
      asked.push(refused)
      return refused === 'nonsense' ? reach.token : 'nonsense'
    }
    const connection = connect({ ...reach, token })
    await becomes(connection, 'open')
    expect(asked).toEqual([undefined, 'nonsense'])
    connection.close()

    let times = 0
    const stubborn = connect({
      ...reach,
      token: () => {
        times++
        return 'nonsense'
      },
    })
    expect(await becomes(stubborn, 'closed')).toMatchObject({ reason: 'unauthenticated' })
    expect(times).toBe(2)
  })

  it.concurrent('may need several calls of its source; an error with retryable false ends the connection', async () => {
    const { reach } = scene()
    let asked = 0
    const token = () => {
      if (++asked < 4) throw new Error('away')
      return reach.token
    }
    const connection = connect({ ...reach, token })
    await becomes(connection, 'open')
    expect(asked).toBe(4)
    connection.close()
    const refused = Object.assign(new Error('signed out'), { retryable: false })
    const signedOut = connect({ ...reach, token: () => Promise.reject(refused) })
    const { error } = await becomes(signedOut, 'closed')
    expect(error).toMatchObject({ reason: 'unauthenticated', cause: refused })
  })

  it.concurrent('that is revoked ends its watches and agents', async () => {
    const { stage, reach } = scene()
    const owner = await addUser(stage.superuser)
    const { project_id } = await createFleetOf(owner.rest, stage.superuser)
    const { id, key } = await addKey(owner.rest, { project_id })
    const watch = watchProject({ ...reach, token: key, project_id })
    await watch.whenLive()
    await owner.rest.delete(`/api-keys/${id}`)
    expect(await becomes(watch, 'closed')).toMatchObject({ reason: 'unauthenticated' })
  })
})

describe('a connection to nowhere', () => {
  it('throws at once for an invalid URL, and keeps trying where no server answers', async () => {
    expect(() => connect({ url: 'nowhere', token: 'any' })).toThrow('Invalid URL')
    const url = `http://127.0.0.1:${await freePort()}`
    const connection = connect({ url, token: 'any', backoff: { first_ms: 1, max_ms: 5 } })
    const first = await becomes(connection, 'offline')
    const later = await new Promise<ConnectionState>((resolve) => connection.on('state', resolve))
    expect(later).toMatchObject({ kind: 'offline', since: first.since })
    connection.close()
  })
})

describe('a silent server', () => {
  it('is disconnected after two heartbeats, and tried again', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await new Promise((resolve) => server.once('listening', resolve))
    let [connections, pings] = [0, 0]
    server.on('connection', (socket) => {
      connections++
      socket.on('message', (data) => {
        const { type, id } = JSON.parse(String(data))
        if (type === 'auth')
          socket.send(JSON.stringify({ type: 'authenticated', id, principal: {}, expires_at: null }))
        if (type === 'ping') pings++
      })
      socket.send(JSON.stringify({ type: 'hello', protocol: SUBPROTOCOL, heartbeat_ms: 50 }))
    })
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const connection = connect({
      url: `http://127.0.0.1:${port}`,
      token: 'any',
      backoff: { first_ms: 1, max_ms: 1 },
    })
    await becomes(connection, 'open')
    await becomes(connection, 'offline')
    await becomes(connection, 'open')
    connection.close()
    expect([connections, pings]).toEqual([2, 1])
    server.close()
    for (const socket of server.clients) socket.terminate()
  })
})

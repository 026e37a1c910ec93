import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MAX_SUBSCRIPTIONS } from '#src/protocol/bounds.ts'
import { MAX_SOCKETS_OF_PRINCIPAL, messagesPerSecond } from '#src/realtime/bounds.ts'
import { MessageRate } from '#src/realtime/socket/message-rate.ts'
import { createFleet, type Fleet, spawn, unique } from '../support/rest.ts'
import { RuntimeSocket } from '../support/runtime.ts'
import { Watcher } from '../support/watcher.ts'
import { FuzzServer } from './fuzz-server.ts'

describe('what one client may take up', () => {
  let server: FuzzServer
  let fleet: Fleet
  beforeAll(async () => {
    server = await FuzzServer.start()
    fleet = await createFleet(server.rest)
  })
  afterAll(() => server.stop())

  const greeted = async (socket: Watcher) => {
    await socket.next('hello')
    return socket
  }
  const watcher = () => greeted(new Watcher(server.process.ws, { token: server.rest.token }))

  it.each([
    ['pings', '{"type":"ping"}'],
    ['nonsense', '{'],
    ['reports of agents that are not attached', '{"type":"report","agent_id":"x"}'],
  ])('1,000 %s in 10 s are taken; one more is an error, and closes', async (_, message) => {
    const socket = await watcher()
    const most = 10 * messagesPerSecond.ordinary
    for (let count = 0; count < most; count++) socket.send(message)
    for (let count = 0; count < most; count++) await socket.next(() => true)
    expect(socket.socket.readyState).toBe(socket.socket.OPEN)
    socket.send(message)
    expect(await socket.next('error')).toMatchObject({ code: 'SYS_004' })
    expect(await socket.closed).toBe(4429)
  })

  it('a runtime may say more: 3,000 reports and acknowledgements in 10 s are answered one by one', async () => {
    const { id: agent_id } = await spawn(fleet)
    const runtime = new RuntimeSocket(server.process.ws, { token: server.rest.token })
    await runtime.next('hello')
    await runtime.attach(agent_id)
    const sent = Array.from({ length: 1_500 }, (_, n) => {
      runtime.send({ type: 'report', id: `r${n}`, agent_id, n: 1, usage: { tokens_used: 1 } })
      runtime.send({ type: 'ack', id: `a${n}`, agent_id, signal_id: agent_id, outcome: 'done' })
      return [`r${n}`, `a${n}`]
    })
    const left = new Set(sent.flat())
    while (left.size > 0) left.delete(String((await runtime.next(() => true)).id))
    expect(runtime.socket.readyState).toBe(runtime.socket.OPEN)
    const { body } = await fleet.rest.get<{ tokens_used: number }>(`${fleet.agents}/${agent_id}`)
    expect(body.tokens_used).toBe(1)
    runtime.socket.terminate()
  })

  it('acknowledgements, attaches and reports are counted apart: 20,000 in 10 s, and no more', () => {
    const rate = new MessageRate()
    const most = 10 * messagesPerSecond.runtime
    const taken = Array.from({ length: most }, (_, n) => rate.take('runtime', 1_000_000 + n / 3))
    expect(taken.every(Boolean)).toBe(true)
    expect(rate.take('runtime', 1_009_000)).toBe(false)
    expect(rate.take('ordinary', 1_009_000)).toBe(true)
    expect(rate.take('runtime', 1_020_000)).toBe(true)
  })

  it('100 subscriptions; one more is an error, and closes', async () => {
    const ids: string[] = []
    for (let count = 0; count <= MAX_SUBSCRIPTIONS; count++) {
      const { body } = await server.rest.post<{ id: string }>('/projects', {
        name: 'One',
        slug: unique('one'),
      })
      ids.push(body.id)
    }
    const socket = await watcher()
    const [one = '', ...others] = ids
    for (const project_id of others) await socket.ask({ type: 'subscribe', project_id }, 'subscribed')
    const again = others[0]
    await socket.ask({ type: 'subscribe', project_id: again }, 'subscribed')
    socket.send({ type: 'subscribe', id: 'more', project_id: one })
    expect(await socket.next('error')).toMatchObject({ code: 'VAL_001', field: 'project_id', id: 'more' })
    expect(await socket.closed).toBe(4429)
  })

  it('1,000 sockets of one principal; one more is an error, and closes; one less, and there is room', async () => {
    const user = { email: `${unique('many')}@example.org`, password: 'a long password' }
    await server.rest.post('/users', user)
    const { token } = await server.rest.signIn(user)
    const open = () => greeted(new Watcher(server.process.ws, { token }))
    const sockets: Watcher[] = []
    while (sockets.length < MAX_SOCKETS_OF_PRINCIPAL) {
      sockets.push(...(await Promise.all(Array.from({ length: 50 }, open))))
    }
    const late = await open()
    expect(await late.next('error')).toMatchObject({ code: 'SYS_004' })
    expect(await late.closed).toBe(4429)
    // Whoever authenticates only then is not let in by the back door.
    const stranger = await greeted(new Watcher(server.process.ws))
    stranger.send({ type: 'auth', token })
    expect(await stranger.closed).toBe(4429)
    expect((await watcher()).socket.readyState).toBe(1)

    await sockets[0]?.close()
    const next = await open()
    expect(await next.ask({ type: 'ping' }, 'pong')).toMatchObject({ type: 'pong' })
    for (const { socket } of [...sockets, next]) socket.terminate()
  })

  it('other clients have noticed nothing', () => server.check())
})

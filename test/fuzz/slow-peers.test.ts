import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFleet, type Fleet, spawn } from '../support/rest.ts'
import { Watcher } from '../support/watcher.ts'
import { FuzzServer } from './fuzz-server.ts'
import { frame, handshake, RawPeer } from './raw-peer.ts'

const PING = 9
const login = 'POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'

describe('peers that take their time', () => {
  let server: FuzzServer
  let fleet: Fleet
  beforeAll(async () => {
    server = await FuzzServer.start()
    fleet = await createFleet(server.rest)
    await spawn(fleet)
  })
  afterAll(() => server.stop())

  const connect = () => new RawPeer(server.process.origin)
  /** A byte now and then, so that it never looks idle. Returns how long it was borne with, in seconds. */
  const drip = async (peer: RawPeer, first: string, bytes: string | Buffer) => {
    const started = performance.now()
    peer.write(first)
    const timer = setInterval(() => peer.write(bytes), 500)
    await peer.until(() => peer.statuses.some((status) => status !== 101) || peer.closeCode !== undefined)
    clearInterval(timer)
    peer.socket.end()
    await peer.ended
    return (performance.now() - started) / 1_000
  }

  describe.concurrent('one at a time', () => {
    it('headers have 10 s', async () => {
      const peer = connect()
      const seconds = await drip(peer, login, 'X-A: b\r\n')
      expect(peer.statuses).toEqual([408])
      expect(peer.text).toContain('"VAL_006"')
      expect(seconds).toBeGreaterThan(9)
      expect(seconds).toBeLessThan(15)
    })

    it('the headers of a handshake have 10 s', async () => {
      const peer = connect()
      const seconds = await drip(peer, handshake('/api/v1/ws').slice(0, -2), 'X-A: b\r\n')
      expect(peer.statuses).toEqual([408])
      expect(seconds).toBeLessThan(15)
    })

    it('a body has 30 s', async () => {
      const peer = connect()
      const seconds = await drip(peer, `${login}Content-Length: 10000\r\n\r\n`, ' ')
      expect(peer.statuses).toEqual([408])
      expect(seconds).toBeGreaterThan(29)
      expect(seconds).toBeLessThan(35)
    })

    it('a body in chunks has 30 s', async () => {
      const peer = connect()
      const seconds = await drip(peer, `${login}Transfer-Encoding: chunked\r\n\r\n`, '1\r\n \r\n')
      expect(peer.statuses).toEqual([408])
      expect(seconds).toBeLessThan(35)
    })

    it('a peer without credentials has 5 s on a WebSocket, whatever it sends', async () => {
      const peer = connect()
      const seconds = await drip(peer, handshake('/api/v1/ws'), frame(PING))
      expect(peer.closeCode).toBe(4408)
      expect(seconds).toBeGreaterThan(4)
    })
  })

  it('1,000 half-open connections keep no client out: a new one has its snapshot within a second', async () => {
    const halves: RawPeer[] = []
    while (halves.length < 1_000) {
      const peers = Array.from({ length: 100 }, connect)
      peers.forEach((peer, index) => {
        peer.write(index % 2 ? handshake('/api/v1/ws') : login)
      })
      await Promise.all(peers.map((peer, index) => index % 2 && peer.until(() => peer.bytes > 300)))
      halves.push(...peers)
    }
    expect(halves.filter((peer) => peer.hasEnded)).toEqual([])
    const started = performance.now()
    const client = new Watcher(server.process.ws)
    await client.next('hello')
    await client.ask({ type: 'auth', token: server.rest.token }, 'authenticated')
    client.send({ type: 'subscribe', project_id: fleet.project_id })
    expect(await client.next('snapshot')).toMatchObject({ last: true })
    expect(performance.now() - started).toBeLessThan(1_000)
    client.socket.terminate()
    for (const peer of halves) peer.socket.destroy()
    await server.check()
  })
})

import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { FuzzServer } from './fuzz-server.ts'
import { frame, handshake, RawPeer } from './raw-peer.ts'

const ws = '/api/v1/ws'
const login = 'POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
const get = 'GET /healthz HTTP/1.1\r\nHost: x\r\n'
const next = `${get}\r\n`

/** What a peer says, and what its answers may be; none: the connection is just ended. */
const requests: [what: string, bytes: string | Buffer, statuses: number[]][] = [
  ['no host', 'GET /healthz HTTP/1.1\r\n\r\n', [400]],
  ['a host that is none', 'GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n', [400]],
  ['a name and a password in the host', 'GET /healthz HTTP/1.1\r\nHost: a:b@c\r\n\r\n', [400]],
  ['two hosts', 'GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', [200, 400]],
  ['a target that is no URL', 'GET http://x:99999999/ HTTP/1.1\r\nHost: x\r\n\r\n', [400]],
  ['a name and a password in the target', 'GET http://a:b@c/nowhere HTTP/1.1\r\nHost: x\r\n\r\n', [404]],
  ['a target of another scheme', 'GET file:///etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n', [400]],
  ['all the server', 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n', [400]],
  ['backslashes', 'GET /..\\..\\etc HTTP/1.1\r\nHost: x\r\n\r\n', [400]],
  ['a tunnel', 'CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n', []],
  ['a method that nobody knows', 'NONSENSE / HTTP/1.1\r\nHost: x\r\n\r\n', [400]],
  ['HTTP/0.9', 'GET /\r\n\r\n', [400]],
  ['HTTP/3.7', 'GET / HTTP/3.7\r\nHost: x\r\n\r\n', [400]],
  ['the beginning of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400]],
  ['the beginning of TLS', Buffer.from('16030100c8010000c40303', 'hex'), [400]],
  ['an expectation that nobody knows', `${login}Expect: more\r\nContent-Length: 2\r\n\r\n{}`, [422]],
  ['headers of 17 KiB', `${get}X-A: ${'x'.repeat(17_000)}\r\n\r\n`, [431]],
  ['3,000 headers', `${get}${'a:b\r\n'.repeat(3_000)}\r\n`, [200, 431]],
  ['a target of 17 KiB', `GET /${'x'.repeat(17_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, [431]],
  ['a NUL in a header', `${get}X-A: a\0b\r\n\r\n`, [400]],
  ['a header without a name', `${get}: x\r\n\r\n`, [400]],
  ['a folded header', `${get}X-A: a\r\n b\r\n\r\n`, [200, 400]],
  ['a space before the colon', `${get}Content-Length : 5\r\n\r\n`, [400]],
  // Each of these could hide a second request from a proxy in front: only one answer may come.
  [
    'a length and chunks',
    `${login}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${next}`,
    [400],
  ],
  ['two lengths', `${login}Content-Length: 2\r\nContent-Length: 0\r\n\r\n{}${next}`, [400]],
  ['a list of lengths', `${login}Content-Length: 2, 2\r\n\r\n{}${next}`, [400]],
  ['a negative length', `${login}Content-Length: -1\r\n\r\n${next}`, [400]],
  ['a length with a sign', `${login}Content-Length: +2\r\n\r\n{}${next}`, [400]],
  ['a length beyond all numbers', `${login}Content-Length: ${'9'.repeat(30)}\r\n\r\n`, [400]],
  ['chunks by another name', `${login}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${next}`, [400]],
  ['chunks that come first', `${login}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${next}`, [400]],
  ['a chunk of no size', `${login}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n${next}`, [400]],
  ['a chunk of every size', `${login}Transfer-Encoding: chunked\r\n\r\n${'f'.repeat(20)}\r\n`, [400]],
  [
    'a chunk longer than it says',
    `${login}Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n${next}`,
    [400],
  ],
  ['lines that end in LF', `${get.replaceAll('\r\n', '\n')}\n`, [200, 400]],
  ['a handshake of another version', handshake(ws, { 'Sec-WebSocket-Version': '8' }), [422]],
  ['a handshake without a version', handshake(ws, { 'Sec-WebSocket-Version': undefined }), [422]],
  ['a handshake without a key', handshake(ws, { 'Sec-WebSocket-Key': undefined }), [422]],
  ['a handshake with a key that is none', handshake(ws, { 'Sec-WebSocket-Key': 'x' }), [422]],
  ['a handshake with empty subprotocols', handshake(ws, { 'Sec-WebSocket-Protocol': 'a,,b' }), [422]],
  ['a handshake with a subprotocol twice', handshake(ws, { 'Sec-WebSocket-Protocol': 'a, a' }), [422]],
  ['a handshake by POST', handshake(ws).replace('GET', 'POST'), [405]],
  ['a handshake by HTTP/1.0', handshake(ws).replace('HTTP/1.1', 'HTTP/1.0'), [101, 400, 422]],
  ['a handshake with huge headers', handshake(ws, { 'X-A': 'x'.repeat(17_000) }), [431]],
  ['a handshake elsewhere', handshake('/healthz'), [200]],
  ['a handshake nowhere', handshake('/nowhere'), [404]],
  ['a handshake past a proxy that keeps /metrics inside', handshake('/api/..\\metrics'), [400]],
  ['a handshake with a name and a password', handshake('http://a:b@x/nowhere'), [404]],
  ['a handshake at a target that is no URL', handshake('http://x:99999999/'), [400]],
  ['a handshake with a token that is none', handshake(ws, { Authorization: 'Bearer \u00ff' }), [401]],
]

describe('hostile bytes instead of HTTP', () => {
  let server: FuzzServer
  let peer: RawPeer
  const connect = () => new RawPeer(server.process.origin)
  beforeAll(async () => {
    server = await FuzzServer.start()
  })
  afterAll(() => server.stop())
  afterEach(() => {
    peer.socket.destroy()
  })

  it.each(requests)('%s', async (_, bytes, statuses) => {
    peer = connect()
    peer.write(bytes)
    await peer.until(() => peer.statuses.length > 0)
    peer.socket.end()
    await peer.ended
    expect(peer.statuses.length, peer.text).toBe(statuses.length === 0 ? 0 : 1)
    if (statuses.length > 0) expect(statuses).toContain(peer.statuses[0])
    if ((peer.statuses[0] ?? 0) < 400) return
    const [head, body] = peer.text.split('\r\n\r\n')
    expect(head).toMatch(/^content-type: application\/json/im)
    expect(head).toMatch(/^x-request-id: [\w.-]+\r?$/im)
    const refusal = expect.objectContaining({ code: expect.any(String), message: expect.any(String) })
    expect(JSON.parse(body ?? '')).toMatchObject({
      success: false,
      errors: expect.arrayContaining([refusal]),
    })
  })

  it('half a handshake, and no more, is refused', async () => {
    peer = connect()
    peer.write(handshake(ws).slice(0, 90))
    peer.socket.end()
    await peer.ended
    expect(peer.statuses).toEqual([400])
  })

  it('an upgrade with a name and a password in its target is one like any other', async () => {
    peer = connect()
    peer.write(handshake(`http://a:b@x${ws}`))
    await peer.until(() => peer.messages.length > 0)
    expect(peer.messages[0]?.type).toBe('hello')
  })

  it('a client that offers HTTP/2 gets its answer by HTTP/1.1, to all of its request', async () => {
    const offer = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n'
    const body = JSON.stringify({ email: 'nobody@example.org', password: 'a long password' })
    peer = connect()
    peer.write(`${login}${offer}Content-Length: ${body.length}\r\n\r\n${body}`)
    await peer.until(() => peer.text.includes('AUTH_001'))
    expect(peer.statuses).toEqual([401])
  })

  it('what comes right behind a handshake is read: a message is answered, rubbish refused', async () => {
    peer = connect()
    peer.write(Buffer.concat([Buffer.from(handshake(ws)), frame(1, '{"type":"ping","id":"early"}')]))
    await peer.until(() => peer.messages.length > 1)
    expect(peer.messages[1]).toMatchObject({ type: 'error', code: 'AUTH_006', id: 'early' })
    peer.socket.destroy()
    peer = connect()
    peer.write(`${handshake(ws)}${next}`)
    await peer.until(() => peer.closeCode !== undefined)
    expect(peer.closeCode).toBe(1002)
  })

  it.each([262_145, 2_000_000])(
    'a body of %i bytes is refused, and the connection stays in step',
    async (length) => {
      peer = connect()
      peer.write(`${login}Content-Length: ${length}\r\n\r\n`)
      peer.write('x'.repeat(length))
      peer.write(next)
      await peer.until(() => peer.statuses.length > 1)
      expect(peer.statuses).toEqual([413, 200])
    },
  )

  it('a body of 300 KiB in chunks is refused', async () => {
    peer = connect()
    peer.write(`${login}Transfer-Encoding: chunked\r\n\r\n`)
    for (let count = 0; count < 75; count++) peer.write(`1000\r\n${'x'.repeat(4_096)}\r\n`)
    await peer.until(() => peer.statuses.length > 0)
    expect(peer.statuses).toEqual([413])
  })

  it('500 connections that say anything, or nothing, leave the server as it was', async () => {
    const peers = Array.from({ length: 500 }, connect)
    peers.forEach((one, index) => {
      if (index % 3 > 0)
        one.write(index % 3 === 1 ? randomBytes(1_000) : `${login}Content-Length: 9\r\n\r\n{`)
      if (index % 2) one.socket.end()
      else setTimeout(() => one.socket.resetAndDestroy(), index)
    })
    peer = peers[0] as RawPeer
    await Promise.all(peers.map((one) => one.ended))
    await server.check()
  })
})

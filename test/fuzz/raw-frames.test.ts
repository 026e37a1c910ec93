import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { MAX_MESSAGE_BYTES } from '#src/protocol/bounds.ts'
import { FuzzServer, runs, seed } from './fuzz-server.ts'
import { codeOf, frame, RawPeer } from './raw-peer.ts'

const [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG] = [0, 1, 2, 8, 9, 10]
const ping = (id: string) => ({ type: 'ping', id })
const closing = (code: number, reason: string | Buffer = '') => {
  const body = Buffer.alloc(2)
  body.writeUInt16BE(code)
  return frame(CLOSE, Buffer.concat([body, Buffer.from(reason)]))
}
const text = (length: number) => JSON.stringify({ type: 'ping', id: 'x'.repeat(length) })

const BATCH = 10
const codes = new Set([1000, 1002, 1003, 1005, 1007, 1009, 4429])

/** What is not WebSocket, and the code that the contract has for it. */
const wrong: [what: string, bytes: () => Buffer | Buffer[], code: number][] = [
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(
    (opcode) => [`opcode ${opcode}`, () => frame(opcode, 'x'), 1002] as [string, () => Buffer, number],
  ),
  ...[1, 2, 3, 4, 5, 6, 7].map(
    (rsv) =>
      [`reserved bits ${rsv}`, () => frame(TEXT, '{}', { rsv }), 1002] as [string, () => Buffer, number],
  ),
  ['an unmasked frame', () => frame(TEXT, '{}', { masked: false }), 1002],
  ['a ping in fragments', () => frame(PING, 'x', { fin: false }), 1002],
  ['a close in fragments', () => frame(CLOSE, '', { fin: false }), 1002],
  ['a ping of 126 bytes', () => frame(PING, 'x'.repeat(126)), 1002],
  ['a close of 126 bytes', () => closing(1000, 'x'.repeat(124)), 1002],
  ['a close of one byte', () => frame(CLOSE, 'x'), 1002],
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535].map(
    (code) => [`close code ${code}`, () => closing(code), 1002] as [string, () => Buffer, number],
  ),
  ['a close reason that is not UTF-8', () => closing(1000, Buffer.from([0xff])), 1007],
  ['a continuation of nothing', () => frame(CONTINUATION, 'x'), 1002],
  ['a message within a message', () => [frame(TEXT, '{', { fin: false }), frame(TEXT, '}')], 1002],
  ['a length of 2 to the 63', () => frame(TEXT, 'x', { length: 2n ** 63n }), 1009],
  ['a length of 2 to the 64 less one', () => frame(TEXT, 'x', { length: 2n ** 64n - 1n }), 1009],
  ['a length of 2 to the 53', () => frame(TEXT, 'x', { length: 2n ** 53n }), 1009],
  ['a length of 4 GiB', () => frame(TEXT, 'x', { length: 2n ** 32n }), 1009],
  ['a byte too many', () => frame(TEXT, 'x'.repeat(MAX_MESSAGE_BYTES + 1)), 1009],
  [
    'a byte too many, in fragments',
    () => [frame(TEXT, 'x'.repeat(MAX_MESSAGE_BYTES), { fin: false }), frame(CONTINUATION, 'x')],
    1009,
  ],
  [
    '20,000 fragments of a byte',
    () => [
      frame(TEXT, 'x', { fin: false }),
      ...Array.from({ length: 20_000 }, () => frame(CONTINUATION, 'x', { fin: false })),
    ],
    1008,
  ],
  ['text that is not UTF-8', () => frame(TEXT, Buffer.from([0x22, 0xff, 0x22])), 1007],
  ['half a character', () => frame(TEXT, Buffer.from([0xf0, 0x9f, 0x92])), 1007],
  ['a surrogate in UTF-8', () => frame(TEXT, Buffer.from([0xed, 0xa0, 0x80])), 1007],
  ['a binary frame', () => frame(BINARY, '{}'), 1003],
  ['a binary frame of nothing', () => frame(BINARY), 1003],
]

describe('hostile bytes on a WebSocket', () => {
  let server: FuzzServer
  let peer: RawPeer
  const upgrade = () => RawPeer.upgraded(server.process.origin, server.rest.token)
  beforeAll(async () => {
    server = await FuzzServer.start()
  })
  afterAll(() => server.stop())
  afterEach(() => {
    peer.socket.destroy()
  })

  it.each(wrong)('%s', async (_, bytes, code) => {
    peer = await upgrade()
    peer.write(Buffer.concat([bytes()].flat()))
    await peer.until(() => peer.closeCode !== undefined)
    expect(peer.closeCode).toBe(code)
  })

  it('what is right is taken however it is cut: fragments with a ping between them, a byte at a time', async () => {
    peer = await upgrade()
    peer.write(
      Buffer.concat([
        frame(TEXT, '{"type":"ping",', { fin: false }),
        frame(PING, 'a'),
        frame(CONTINUATION, '', { fin: false }),
        frame(PONG, 'nobody asked'),
        frame(CONTINUATION, '"id":"cut"}'),
      ]),
    )
    await peer.until(() => peer.messages.some(({ id }) => id === 'cut'))
    peer.socket.setNoDelay(true)
    for (const byte of frame(TEXT, JSON.stringify(ping('bytes')))) peer.write(Buffer.from([byte]))
    await peer.until(() => peer.messages.some(({ id }) => id === 'bytes'))
    expect(peer.messages.slice(1)).toMatchObject([
      { type: 'pong', id: 'cut' },
      { type: 'pong', id: 'bytes' },
    ])
    expect(peer.pongs).toBe(1)
  })

  it.each([1000, 1001, 3000, 3718, 4999])(
    'a peer that closes with %s gets its own code back',
    async (code) => {
      peer = await upgrade()
      peer.write(closing(code, 'done'))
      await peer.until(() => peer.closeCode !== undefined)
      expect(peer.closeCode).toBe(code)
    },
  )

  it('a message of exactly 128 KiB is read', async () => {
    peer = await upgrade()
    peer.write(frame(TEXT, JSON.stringify(ping('most')).padEnd(MAX_MESSAGE_BYTES)))
    await peer.until(() => peer.messages.length > 1)
    expect(peer.messages[1]).toMatchObject({ type: 'pong', id: 'most' })
  })

  it('10,000 pings are answered', async () => {
    peer = await upgrade()
    const before = peer.bytes
    for (let sent = 50; sent <= 10_000; sent += 50) {
      peer.write(Buffer.concat(Array.from({ length: 50 }, () => frame(PING, 'x'))))
      await peer.until(() => peer.bytes >= before + sent * 3)
    }
    expect(peer.pongs).toBe(10_000)
  })

  it('a peer that pings and does not read the answers is cut off before they fill the memory', async () => {
    const open = () => server.process.metric('signalbox_websocket_connections')
    const before = { open: await open(), memory: server.process.memory() }
    peer = await upgrade()
    peer.socket.pause()
    const megabyte = Buffer.concat(Array.from({ length: 8_000 }, () => frame(PING, randomBytes(125))))
    for (let count = 0; count < 64; count++) {
      await new Promise((resolve) => peer.socket.write(megabyte, resolve))
    }
    expect(server.process.memory() - before.memory).toBeLessThan(40 * 1024 * 1024)
    while ((await open()) > before.open) await new Promise((resolve) => setTimeout(resolve, 100))
  })

  it('frames made at random are refused with a code of the contract, or closed with the code they said', {
    timeout: 300_000,
  }, async () => {
    const frames = fc.array(
      fc.record({
        opcode: fc.oneof(fc.constantFrom(TEXT, TEXT, CONTINUATION, BINARY, CLOSE, PING, PONG), fc.nat(15)),
        payload: fc.oneof(
          fc.constant(text(5)),
          fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
        ),
        fin: fc.constantFrom(true, true, true, false),
        rsv: fc.constantFrom(0, 0, 0, 0, 0, 1, 2, 4),
        masked: fc.constantFrom(true, true, true, true, true, false),
        length: fc.oneof(
          { weight: 12, arbitrary: fc.constant(undefined) },
          fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        ),
      }),
      { minLength: BATCH, maxLength: BATCH },
    )
    const property = fc.asyncProperty(frames, async (all) => {
      const one = await upgrade()
      one.write(Buffer.concat(all.map(({ opcode, payload, ...options }) => frame(opcode, payload, options))))
      // A peer that ends here is answered in full, whatever it has said.
      one.socket.end()
      await one.ended
      const own = all.map(codeOf)
      if (one.closeCode !== undefined && !codes.has(one.closeCode) && !own.includes(one.closeCode))
        throw new Error(`closed with ${one.closeCode}`)
      const failure = one.messages.find(({ code }) => code === 'SYS_001')
      if (failure) throw new Error(JSON.stringify(failure))
    })
    const report = await fc.check(property, { seed, numRuns: Math.ceil(runs / BATCH), endOnFailure: true })
    if (report.failed) throw new Error(`FUZZ_SEED=${seed} FUZZ_RUNS=${runs}`, { cause: report.errorInstance })
  })

  it('other clients have noticed nothing', () => server.check())
})

import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, expect, it, vi } from 'vitest'
import { RuntimeLinks } from '#src/realtime/runtimes/runtime-links.ts'
import { AwakeClock } from '#src/realtime/socket/awake-clock.ts'
import { Connection } from '#src/realtime/socket/connection.ts'
import { createUpgradeHandler } from '#src/server/upgrade.ts'

afterEach(() => {
  vi.useRealTimers()
})

it('an upgrade that is under way when the drain begins is refused', async () => {
  const realtime = { isDraining: false, accept: vi.fn() }
  const app = {
    fetch: async (_: Request, { upgrade }: { upgrade: { accepted?: object } }) => {
      upgrade.accepted = {}
      realtime.isDraining = true
      return new Response()
    },
  }
  const socket = new PassThrough()
  const incoming = { url: '/api/v1/ws', method: 'GET', rawHeaders: [] }
  createUpgradeHandler(app as never, realtime as never, () => {})(incoming as never, socket, Buffer.alloc(0))
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 503 .*retry-after: 1\r\n/s)
  expect(realtime.accept).not.toHaveBeenCalled()
})

it('a draining server declares no link lost, even in a reconcile that is under way', async () => {
  const link = { agent_id: 'a', project_id: 'p', lease: 3 }
  const written = vi.fn()
  const links: RuntimeLinks = new RuntimeLinks({
    database: {
      run: async () => {
        links.isDraining = true
        return [link]
      },
    },
    writes: new Proxy({}, { get: () => written }),
    hub: { nextTailCheck: async () => {} },
    replica: 'r',
    onLost: () => {},
  } as never)
  await links.reconcile()
  expect(written).not.toHaveBeenCalled()
  links.close()
})

it('a peer whose messages wait to be read does not count as dead', async () => {
  vi.useFakeTimers()
  const calls = { ping: vi.fn(), terminate: vi.fn(), close: vi.fn() }
  const ws = Object.assign(new EventEmitter(), { isPaused: true, readyState: 1, OPEN: 1, ...calls })
  const awake = new AwakeClock()
  new Connection(ws as never, new PassThrough(), awake)
  vi.advanceTimersByTime(120_000)
  expect(calls.terminate).not.toHaveBeenCalled()
  ws.isPaused = false
  vi.advanceTimersByTime(20_000)
  expect(calls.ping).toHaveBeenCalled()
  expect(calls.terminate).not.toHaveBeenCalled()
  vi.advanceTimersByTime(40_000)
  expect(calls.terminate).toHaveBeenCalled()
  ws.emit('close', 1006)
  awake.close()
})

import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, expect, it, vi } from 'vitest'
import { Connection } from '#src/realtime/connection.ts'
import { RuntimeLinks } from '#src/realtime/runtime-links.ts'
import { createUpgradeHandler } from '#src/upgrade.ts'

afterEach(() => {
  vi.useRealTimers()
})

it('refuses an upgrade that was under way when the drain began', async () => {
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

it('declares no link lost that ends with its process, also where the database was being asked', async () => {
  const held = { agent_id: 'a', project_id: 'p', lease: 3 }
  const written = vi.fn()
  const links: RuntimeLinks = new RuntimeLinks({
    database: {
      run: async () => {
        links.isDraining = true
        return [held]
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

it('takes no peer for dead whose messages wait', async () => {
  vi.useFakeTimers()
  const calls = { ping: vi.fn(), terminate: vi.fn(), close: vi.fn() }
  const ws = Object.assign(new EventEmitter(), { isPaused: true, readyState: 1, OPEN: 1, ...calls })
  new Connection(ws as never, new PassThrough())
  vi.advanceTimersByTime(120_000)
  expect(calls.terminate).not.toHaveBeenCalled()
  ws.isPaused = false
  vi.advanceTimersByTime(20_000)
  expect(calls.ping).toHaveBeenCalled()
  expect(calls.terminate).not.toHaveBeenCalled()
  vi.advanceTimersByTime(40_000)
  expect(calls.terminate).toHaveBeenCalled()
  ws.emit('close', 1006)
})

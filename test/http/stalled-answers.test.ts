import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket, { WebSocketServer } from 'ws'
import type { HttpEnv } from '#src/http/env.ts'
import { createHttpServer } from '#src/http/server.ts'

const STALL_MS = 500
const MEGABYTE = 1024 * 1024

/** One block now, the next ones as they are asked for, until the answer is given up. */
function createBlocks(next: () => Promise<Uint8Array>, onCancel = () => {}): Response {
  const pull = async (controller: ReadableStreamDefaultController) => controller.enqueue(await next())
  return new Response(new ReadableStream({ pull, cancel: onCancel }, { highWaterMark: 0 }))
}

describe('an answer that its peer does not read', () => {
  const stalled = Promise.withResolvers<void>()
  const app = new Hono<HttpEnv>()
  app.get('/large', () => createBlocks(async () => new Uint8Array(MEGABYTE), stalled.resolve))
  app.get('/live', () =>
    createBlocks(async () => {
      await new Promise((resolve) => setTimeout(resolve, STALL_MS / 5))
      return new TextEncoder().encode(': alive\n\n')
    }),
  )
  app.get('/slow', async (c) => {
    await new Promise((resolve) => setTimeout(resolve, 3 * STALL_MS))
    return c.text('done')
  })
  const server = createHttpServer(app, { stall_ms: STALL_MS })
  const sockets = new WebSocketServer({ noServer: true })
  let port: number

  beforeAll(async () => {
    server.on('upgrade', (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (ws) => ws.on('message', () => ws.send('here'))),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  it('is not cut off while its handler takes long', async () => {
    expect(await (await fetch(`http://127.0.0.1:${port}/slow`)).text()).toBe('done')
  })

  it('is cut off; an older live stream and a silent WebSocket stay', {
    timeout: 10_000,
  }, async () => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}/api/v1/ws`)
    await once(ws, 'open')
    const live = (await fetch(`http://127.0.0.1:${port}/live`)).body?.getReader()
    await live?.read()
    // It is read on beside the stalled one.
    let blocks = 0
    const reading = (async () => {
      while (!(await live?.read())?.done) blocks++
    })()

    const peer = connect(port, '127.0.0.1')
    peer.write('GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n')
    peer.pause()
    await stalled.promise
    peer.destroy()

    const before = blocks
    await expect.poll(() => blocks).toBeGreaterThan(before)
    ws.send('are you there?')
    expect(String((await once(ws, 'message'))[0])).toBe('here')
    await live?.cancel()
    await reading
    ws.terminate()
  })
})

import { type ChildProcess, spawn as spawnProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { runAgent, runAgents } from '#src/client/agent/run-agents.ts'
import { connect } from '#src/client/connection/connection.ts'
import { createApi, eachEvent } from '#src/client/rest/rest.ts'
import { startTimer } from '#src/client/shared/timers.ts'
import { SUBPROTOCOL } from '#src/protocol/bounds.ts'
import { UNKNOWN } from '../http/suite.ts'
import { backends } from '../support/backends.ts'
import { spawn } from '../support/rest.ts'
import { freePort } from '../support/services.ts'
import { becomes, useScene } from './support.ts'

const backoff = { first_ms: 1, max_ms: 5 }
const never = () => new Promise<string>(() => {})
const at = (server: { address(): AddressInfo | string | null }) =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}`

/** A server that greets its first connection with these frames, and any later one as the protocol wants it. */
async function serveFrames(...first: (string | Buffer)[]): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await new Promise((resolve) => server.once('listening', resolve))
  let connections = 0
  server.on('connection', (socket) => {
    const frames = connections++ === 0 ? first : [hello]
    for (const frame of frames) socket.send(frame)
    socket.on('message', (data) => {
      const { type, id } = JSON.parse(String(data))
      if (type === 'auth') socket.send(JSON.stringify({ type: 'authenticated', id }))
    })
  })
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  return at(server)
}

const hello = JSON.stringify({ type: 'hello', protocol: SUBPROTOCOL, heartbeat_ms: 15_000 })

describe('a connection that fails', () => {
  it('says that no server listens at the address', async () => {
    const connection = connect({ url: `http://127.0.0.1:${await freePort()}`, token: 'any', backoff })
    const { error } = await becomes(connection, 'offline')
    expect(error).toMatchObject({ name: 'OfflineError', reason: 'unreachable' })
    expect(error.message).toMatch(/^The server cannot be reached: 127\.0\.0\.1:\d+, .*ECONNREFUSED/)
    connection.close()
  })

  it('says that another kind of server is at the address', async () => {
    const site = createServer((_, response) => response.writeHead(404).end('<html>'))
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void site.close())
    const connection = connect({ url: at(site), token: 'any', backoff })
    const { error } = await becomes(connection, 'offline')
    expect(error).toMatchObject({ reason: 'bad_answer' })
    expect(error.message).toContain('answered with HTTP 404')
    connection.close()
  })

  it('says what its token callback threw', async () => {
    const cause = new Error('the vault is sealed')
    const connection = connect({ url: 'http://127.0.0.1:1', token: () => Promise.reject(cause), backoff })
    const { error } = await becomes(connection, 'offline')
    expect(error).toMatchObject({ reason: 'token', cause })
    expect(error.message).toContain('the vault is sealed')
    connection.close()
  })

  it.each([
    ['text that is not JSON', ['<html>']],
    ['a binary frame', [Buffer.from(hello)]],
    ['null', ['null']],
    ['a number', ['7']],
    ['a hello without a heartbeat', ['{"type":"hello"}']],
  ])('because of a frame that is none comes back: %s', async (_, frames) => {
    const connection = connect({ url: await serveFrames(...frames), token: 'any', backoff })
    const { error } = await becomes(connection, 'offline')
    expect(error).toMatchObject({ reason: 'bad_answer' })
    await becomes(connection, 'open')
    connection.close()
  })
})

describe('an agent that is not attached in time', () => {
  it('rejects, and says why', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const options = { url, token: 'any', backoff, timeout_ms: 100 }
    const late = { reason: 'timeout', cause: { reason: 'unreachable' } }
    await expect(runAgent({ ...options, agent_id: UNKNOWN })).rejects.toMatchObject(late)
    await expect(runAgents({ ...options, agent_ids: [UNKNOWN] })).rejects.toMatchObject(late)
  })
})

describe('with the clock of the test', () => {
  afterEach(() => void vi.useRealTimers())
  const fakeClock = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })

  it('a token callback that never settles fails a connection and a call within 10 s', async () => {
    fakeClock()
    const connection = connect({ url: 'http://127.0.0.1:1', token: never })
    const call = createApi({ url: 'http://127.0.0.1:1', token: never }).users.me()
    const failed = expect(call).rejects.toMatchObject({ code: 'timeout', status: 0 })
    await vi.advanceTimersByTimeAsync(10_000)
    await failed
    expect(connection.state).toMatchObject({
      kind: 'offline',
      error: { reason: 'token', cause: { code: 'timeout' } },
    })
    connection.close()
    await vi.advanceTimersByTimeAsync(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('a call stops waiting for its token when its signal aborts', async () => {
    const ending = new AbortController()
    const call = createApi({ url: 'http://127.0.0.1:1', token: never, signal: ending.signal }).users.me()
    ending.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
  })

  it('a timer of a month fires after a month', async () => {
    fakeClock()
    const month_ms = 30 * 86_400_000
    const ring = vi.fn()
    startTimer(month_ms, ring)
    const cancel = startTimer(month_ms, () => expect.fail('it was cancelled'))
    await vi.advanceTimersByTimeAsync(month_ms - 1)
    expect(ring).not.toHaveBeenCalled()
    cancel()
    await vi.advanceTimersByTimeAsync(1)
    expect(ring).toHaveBeenCalledOnce()
  })

  const streaming = (body: () => string | ReadableStream, type = 'text/event-stream') => {
    const asked = vi.fn(async () => new Response(body(), { headers: { 'content-type': type } }))
    return { asked, api: createApi({ url: 'http://127.0.0.1:1', fetch: asked }) }
  }

  it('the pauses between streams that end at once grow', async () => {
    fakeClock()
    const { asked, api } = streaming(() => ': signalbox\n\n')
    const events = eachEvent(api, UNKNOWN, { seq: 0 })
    void events.next()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked.mock.calls.length).toBeGreaterThan(5)
    expect(asked.mock.calls.length).toBeLessThan(60)
  })

  it('a frozen stream is followed by another one within 45 s', async () => {
    fakeClock()
    const { asked, api } = streaming(() => new ReadableStream())
    void eachEvent(api, UNKNOWN, { seq: 0 }).next()
    await vi.advanceTimersByTimeAsync(45_000)
    expect(asked).toHaveBeenCalledTimes(2)
  })

  it.each([
    ['a page', '<html>', 'text/html'],
    ['events that are not JSON', 'data: {\n\n', 'text/event-stream'],
  ])('an answer that is not an event stream is refused: %s', async (_, body, type) => {
    const { api } = streaming(() => body, type)
    await expect(eachEvent(api, UNKNOWN, { seq: 0 }).next()).rejects.toMatchObject({ code: 'bad_answer' })
  })
})

/** Watches a project, runs an agent, reads a stream; closes all of it at the first line of its input. */
const program = `
import { once } from 'node:events'
import { connect, createApi, eachEvent, runAgent, watchProject } from '#src/client/index.ts'
const { url, token, project_id, agent_id } = JSON.parse(process.env.SCENE)
const watch = watchProject({ url, token, project_id })
const agent = await runAgent({ url, token, agent_id })
const waiting = connect({ url, token: () => new Promise(() => {}) })
const ending = new AbortController()
const stream = eachEvent(createApi({ url, token, signal: ending.signal }), project_id, { seq: 0 })
await stream.next()
await watch.whenLive()
console.log('live')
await once(process.stdin, 'data')
process.stdin.destroy()
agent.report({ usage: { tokens_used: 1 } })
watch.close()
waiting.close()
ending.abort()
await agent.close()
console.log('closed')
`

describe.each(backends.slice(-1))('behind a proxy, on $name', (backend) => {
  const scene = useScene(backend)

  it.each(['hangs', 'answers'] as const)(
    'a process ends within 5 s of its close() while the server %s',
    async (how) => {
      const { fleet, proxy, reach } = scene()
      const { id: agent_id } = await spawn(fleet)
      const child: ChildProcess = spawnProcess(process.execPath, ['--input-type=module', '--eval', program], {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: {
          PATH: process.env.PATH,
          SCENE: JSON.stringify({ ...reach, agent_id, project_id: fleet.project_id }),
        },
      })
      onTestFinished(() => void child.kill('SIGKILL'))
      const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
      const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
      await Promise.race([once(lines, 'line'), exited.then((code) => expect.fail(`it ended with ${code}`))])
      if (how === 'hangs') proxy.hang()
      onTestFinished(() => proxy.heal())
      const askedAt = performance.now()
      child.stdin?.write('close\n')
      expect(await exited).toBe(0)
      expect(performance.now() - askedAt).toBeLessThan(5_000)
    },
  )

  it('a frozen stream continues at its position', async () => {
    const { fleet, proxy, reach } = scene()
    const { seq } = await spawn(fleet)
    const impatient = { idle_timeout_ms: 200, timeout_ms: 2_000 }
    const events = eachEvent(createApi({ ...reach, ...impatient }), fleet.project_id, { seq: seq - 1 })
    expect((await events.next()).value).toMatchObject({ seq })
    proxy.hang()
    const next = events.next()
    await spawn(fleet)
    proxy.heal()
    expect((await next).value).toMatchObject({ seq: seq + 1 })
    await events.return()
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cluster, isClusterMissing, startCluster } from '../support/cluster.ts'
import { type Agent, type Rest, spawn } from '../support/rest.ts'
import { RuntimeSocket } from '../support/runtime.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { Watcher } from '../support/watcher.ts'

/** Longer than a silent peer is waited for, and than a signal waits for its acknowledgement. */
const STANDSTILL_MS = 32_000

describe.skipIf(isClusterMissing)('a server that was suspended', { timeout: 60_000 }, () => {
  let cluster: Cluster
  let server: ServerProcess
  let rest: Rest
  let agent: Agent

  beforeAll(async () => {
    cluster = await startCluster({}, 1)
    server = cluster.servers[0] as ServerProcess
    rest = cluster.rests[0] as Rest
    agent = await spawn(cluster.fleet)
  })
  afterAll(() => cluster.stop())

  it('keeps its sockets, and reads their waiting messages before it judges them', async () => {
    const idle = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const watcher = new Watcher(server.ws, { token: rest.token })
        await watcher.next('hello')
        await watcher.ask({ type: 'subscribe', project_id: cluster.fleet.project_id }, 'snapshot')
        return watcher
      }),
    )
    const runtime = new RuntimeSocket(server.ws, { token: rest.token })
    await runtime.next('hello')
    await runtime.attach(agent.id)
    await rest.post(`${cluster.fleet.agents}/${agent.id}/pause`)
    const signal = await runtime.signal()
    const stranger = new Watcher(server.ws)
    await stranger.next('hello')

    server.child.kill('SIGSTOP')
    runtime.send({ type: 'ack', agent_id: agent.id, signal_id: signal.id, outcome: 'done' })
    stranger.send({ type: 'auth', token: rest.token })
    await new Promise((resolve) => setTimeout(resolve, STANDSTILL_MS))
    server.child.kill('SIGCONT')

    await stranger.next('authenticated')
    await runtime.next('acknowledged')
    for (const watcher of idle) await watcher.next(({ name }) => name === 'agent.signal_acknowledged')
    for (const socket of [...idle, runtime, stranger]) await socket.ask({ type: 'ping' }, 'pong')
    expect(runtime.frames.filter(({ type }) => type === 'signal')).toHaveLength(1)
    const names = idle[0]?.events().map(({ name }) => name)
    expect(names).not.toContain('agent.signal_overdue')
    expect(names).not.toContain('agent.runtime_disconnected')
    for (const socket of [...idle, runtime, stranger]) await socket.close()
  })
})

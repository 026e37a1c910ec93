import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cluster, isClusterMissing, startCluster } from '../support/cluster.ts'
import { spawnMany } from '../support/load.ts'
import { RawReader } from '../support/raw-reader.ts'
import type { Agent, Rest } from '../support/rest.ts'
import { percentile, Tracker } from '../support/tracker.ts'

const TASK = 'x'.repeat(20_000)
const MEGABYTE = 1024 * 1024
/** Below this a lateness is that of a busy machine: the other test files run beside this one. */
const NOISE_MS = 50

describe.skipIf(isClusterMissing)('a reader that stops reading', () => {
  let cluster: Cluster
  let agents: Agent[]
  let rest: Rest

  beforeAll(async () => {
    cluster = await startCluster({}, 1)
    rest = cluster.rests[0] as Rest
    agents = await spawnMany(cluster.fleet, 10)
  })
  afterAll(() => cluster.stop())

  /** Events of 20 kB each, one after another; returns the last seq. */
  const write = async (count: number): Promise<number> => {
    let seq = 0
    for (let index = 0; index < count; index++) {
      const { id } = agents[index % agents.length] as Agent
      const task = `${index} ${TASK}`
      const { body } = await rest.patch<Agent>(`${cluster.fleet.agents}/${id}`, { current_task: task })
      seq = body.seq
    }
    return seq
  }

  it('costs the server little and the others nothing, and has everything once it reads again', {
    timeout: 120_000,
  }, async () => {
    const server = cluster.servers[0]
    if (!server) throw new Error('no server')
    const { project_id } = cluster.fleet
    const other = await new Tracker([server.ws], rest.token as string, project_id).start()
    // Once before, so that what is compared is a warm server.
    await other.reached(await write(300))
    const before = { p99: percentile(other.arrivals, 0.99), memory: server.memory() }
    other.arrivals.length = 0

    const seqs: number[] = []
    const slow = new RawReader(server.ws, rest.token as string, (text) => {
      const frame = JSON.parse(text) as { type: string; seq: number }
      if (frame.type === 'hello') slow.send({ type: 'subscribe', project_id })
      if (frame.type === 'subscribed') subscribed.resolve(frame.seq)
      if (frame.type === 'event') seqs.push(frame.seq)
    })
    const subscribed = Promise.withResolvers<number>()
    const start = await subscribed.promise
    slow.socket.pause()

    const last = await write(1_100)
    await other.reached(last)
    expect((last - start) * TASK.length).toBeGreaterThan(20 * MEGABYTE)
    expect(server.memory() - before.memory).toBeLessThan(40 * MEGABYTE)
    expect(percentile(other.arrivals, 0.99)).toBeLessThan(2 * Math.max(before.p99, NOISE_MS))
    expect(seqs.at(-1) ?? start).toBeLessThan(last)

    const caughtUp = new Promise<void>((resolve) => {
      slow.socket.on('data', () => {
        if (seqs.at(-1) === last) resolve()
      })
    })
    slow.socket.resume()
    await caughtUp
    expect(seqs).toEqual(Array.from({ length: last - start }, (_, index) => start + 1 + index))
    slow.socket.destroy()
    other.stop()
  })

  it('is closed after 30 s without progress, and TCP is ended 5 s later', { timeout: 120_000 }, async () => {
    const { project_id } = cluster.fleet
    const stuck = new RawReader(cluster.servers[0]?.ws as string, rest.token as string, (text) => {
      const frame = JSON.parse(text) as { type: string }
      if (frame.type === 'hello') stuck.send({ type: 'subscribe', project_id })
      if (frame.type === 'subscribed') subscribed.resolve()
    })
    const subscribed = Promise.withResolvers<void>()
    await subscribed.promise
    stuck.socket.pause()
    const started = Date.now()
    await write(800)
    const parked = Date.now()
    const open = () => cluster.servers[0]?.metric('signalbox_websocket_connections')
    const others = ((await open()) ?? 0) - 1
    while ((await open()) !== others) await new Promise((resolve) => setTimeout(resolve, 250))
    // It is parked at some point of the writing.
    expect(Date.now() - started).toBeGreaterThan(30_000)
    expect(Date.now() - parked).toBeLessThan(40_000)
    stuck.socket.destroy()
  })
})

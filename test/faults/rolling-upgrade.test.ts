import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runAgent } from '#src/client/agent/run-agents.ts'
import type { RunningAgent } from '#src/client/agent/running-agent.ts'
import { watchProject } from '#src/client/watch/watch.ts'
import { createBareServices } from '../support/backends.ts'
import { isClusterMissing } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { untilEachAgent } from '../support/fleet-view.ts'
import { readLog, spawnMany } from '../support/load.ts'
import { SocketMirror } from '../support/mirror.ts'
import { ObedientRuntime } from '../support/obedient-runtime.ts'
import {
  exportPreviousRelease,
  hasPreviousRelease,
  isShallowClone,
  version,
} from '../support/previous-release.ts'
import { type Agent, createFleet, type Fleet, Rest } from '../support/rest.ts'
import { ServerProcess } from '../support/server-process.ts'
import { freePort } from '../support/services.ts'
import { SteadyWriter } from '../support/steady-writer.ts'
import { Tracker } from '../support/tracker.ts'

const WRITERS = 6
const READERS = 6
const REPORTERS = 2
/** Writes that each stage of the upgrade sees at least. */
const STAGE = 250

const isExcused = process.env.CI !== 'true' || isShallowClone()
const isNotRun = isClusterMissing || (!hasPreviousRelease() && isExcused)

describe.skipIf(isNotRun)(`an upgrade from ${version}, one server after the other,`, () => {
  const ends: (() => unknown)[] = []
  let env: { DATABASE_URL: string; REDIS_URL: string }
  let previous: string
  let ports: [string, string]
  let servers: [ServerProcess, ServerProcess]
  let fleet: Fleet

  const startServer = (index: 0 | 1, folder?: string) =>
    ServerProcess.start({ ...env, PORT: ports[index], LOG_LEVEL: 'info' }, folder)

  beforeAll(async () => {
    const release = await exportPreviousRelease()
    ends.push(release.remove)
    previous = release.folder
    const services = await createBareServices()
    if (!services) throw new Error('an upgrade needs both servers')
    env = { DATABASE_URL: services.databaseUrl, REDIS_URL: services.redisUrl }
    ports = [`${await freePort()}`, `${await freePort()}`]
    servers = await Promise.all([startServer(0, previous), startServer(1, previous)])
    ends.push(() => Promise.all(servers.map((server) => server.end('SIGKILL'))))
    fleet = await createFleet(await Rest.at(servers[0].origin).signIn())
  })
  afterAll(async () => {
    for (const end of ends.reverse()) await end()
  })

  const replace = async (index: 0 | 1) => {
    expect(await servers[index].end('SIGTERM')).toBe(0)
    servers[index] = await startServer(index)
  }

  /**
   * In a project where nothing else happens: what else comes would show the gap. Releases up to this one do not
   * understand each other's news: the tail check brings each of five events within 2 s and the time of its statement.
   */
  async function expectNews(from: number, to: number): Promise<void> {
    const quiet = await createFleet(fleet.rest)
    const [agent] = await spawnMany(quiet, 1)
    const reader = new SocketMirror('quiet', quiet, { url: servers[to]?.ws ?? '' })
    ends.push(() => reader.leave())
    await eventually(async () => reader.held.has(agent?.id ?? ''))
    const rest = Rest.at(servers[from]?.origin ?? '').as(fleet.rest.token)
    const begun = performance.now()
    for (let turn = 1; turn <= 5; turn++) {
      const current_task = `turn ${turn}`
      expect((await rest.patch(`${quiet.agents}/${agent?.id}`, { current_task })).status).toBe(200)
      await eventually(async () => reader.held.get(agent?.id ?? '')?.current_task === current_task)
    }
    expect(performance.now() - begun).toBeLessThan(15_000)
  }

  it('loses no write, event, signal or report, while both read and write the same', async () => {
    const origins = servers.map(({ origin }) => origin)
    const urls = servers.map(({ ws }) => ws)
    const { rest, project_id } = fleet
    const token = rest.token ?? ''
    const agents = await spawnMany(fleet, WRITERS + REPORTERS)
    const [written, reporting] = [agents.slice(0, WRITERS), agents.slice(WRITERS)]

    const trackers = await Promise.all(
      Array.from({ length: READERS }, () => new Tracker(urls, token, project_id).start()),
    )
    ends.push(() => trackers.map((tracker) => tracker.stop()))
    const watches = origins.map((url) => watchProject({ url, token, project_id, backoff: { max_ms: 200 } }))
    ends.push(() => watches.map((watch) => watch.close()))
    const resets: string[] = []
    for (const watch of watches) watch.fleet.on('reset', ({ reason }) => resets.push(reason))
    const runtimes = written.map(({ id }) => new ObedientRuntime(urls, token, id).start())
    ends.push(() => runtimes.map((runtime) => runtime.stop()))
    const running = await Promise.all(
      reporting.map(({ id }, index) =>
        runAgent({ url: origins[index % 2] ?? '', token, agent_id: id, backoff: { max_ms: 200 } }),
      ),
    )
    ends.push(() => Promise.all(running.map((agent) => agent.close())))
    const writers = written.map(({ id }) =>
      new SteadyWriter(origins, token, { id, path: `${fleet.agents}/${id}` }).start(),
    )
    const reports = new Map<RunningAgent, number>()
    const reporter = setInterval(() => {
      for (const agent of running) {
        agent.report({ usage: { tokens_used: 1 } }).catch(() => {})
        reports.set(agent, (reports.get(agent) ?? 0) + 1)
      }
    }, 100)
    ends.push(() => clearInterval(reporter))
    const stage = async () => {
      const goal = writers.reduce((sum, { writes }) => sum + writes, STAGE)
      await eventually(async () => {
        expect(writers.flatMap(({ faults }) => faults)).toEqual([])
        return writers.reduce((sum, { writes }) => sum + writes, 0) >= goal
      })
    }

    await stage()
    await replace(1)
    expect((await fetch(`${origins[0]}/readyz`)).status).toBe(200)
    await Promise.all([stage(), expectNews(0, 1), expectNews(1, 0)])
    // What the old server does with the new schema: a project, too.
    const { project_id: own } = await createFleet(Rest.at(origins[0] ?? '').as(token))
    expect(own).toBeDefined()
    await replace(0)
    await stage()
    await Promise.all(writers.map((writer) => writer.stop()))
    clearInterval(reporter)

    // The servers were away while they were replaced: what was not taken was sent again.
    expect(writers.reduce((sum, { again }) => sum + again, 0)).toBeGreaterThan(0)
    expect(writers.flatMap(({ faults }) => faults)).toEqual([])
    await Promise.all(running.map((agent) => agent.report({ current_task: 'over' })))
    const isSettled = (agent: Agent) => agent.runtime.connected && agent.pending_signals === 0
    const final = await untilEachAgent(fleet, rest, { isSo: isSettled, within_ms: 20_000 })
    const find = (id: string) => final.find((agent) => agent.id === id)
    expect(written.map(({ id }) => find(id)?.current_task)).toEqual(writers.map(({ task }) => task))
    expect(runtimes.map(({ messages }) => messages)).toEqual(
      writers.map(({ messages }) => Array.from({ length: messages }, (_, index) => index + 1)),
    )
    expect(running.map((agent) => find(agent.agent_id)?.tokens_used)).toEqual(
      running.map((agent) => reports.get(agent)),
    )

    const log = await readLog(rest, project_id)
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
    expect(new Set(log.map(({ epoch }) => epoch))).toEqual(new Set([1]))
    await Promise.all(trackers.map((tracker) => tracker.reached(log.length)))
    expect(trackers.flatMap(({ faults }) => faults)).toEqual([])
    expect(trackers.map(({ resets }) => resets)).toEqual(trackers.map(() => 0))
    await eventually(async () => watches.every(({ fleet }) => fleet.seq === log.length))
    expect(resets).toEqual(['start', 'start'])
    expect(servers.flatMap(({ errors }) => errors)).toEqual([])
  })
})

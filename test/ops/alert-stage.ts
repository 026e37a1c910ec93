import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { sharedBackends } from '../support/backends.ts'
import { type Cluster, startCluster } from '../support/cluster.ts'
import { spawnMany } from '../support/load.ts'
import { Prometheus } from '../support/prometheus.ts'
import { type Agent, createFleet, type Fleet, Rest } from '../support/rest.ts'
import { ServerProcess } from '../support/server-process.ts'
import { freePort } from '../support/services.ts'
import { settableClock } from '../support/shifted-clock.ts'
import { Tracker } from '../support/tracker.ts'

export const rules = readFileSync(new URL('../../ops/prometheus/alerts.yml', import.meta.url), 'utf8')
const OTHER_KEY = 'another secret key than that of all the others'

/** The milliseconds between two writes to each server, whose events are watched. */
const LOAD_MS = 100
/** The same for a server with rate limits. */
const LIGHT_LOAD_MS = 1_000

type Parts = Omit<AlertStage, 'stop'>

/** Separate servers for each group of faults, all under load, and a Prometheus that watches them. */
export class AlertStage {
  readonly prometheus: Prometheus
  readonly calm: Cluster
  /** Two servers, `cut` and `cut-too`. */
  readonly cut: Cluster
  readonly silent: Cluster
  /** A file that sets its clock. */
  readonly silent_clock: string
  /** Two servers, of which `deaf` cannot read the other's news. */
  readonly deaf: Cluster
  /** `mortal`, with rate limits, an inspector and a fixed port to restart on. */
  readonly mortal: Mortal
  readonly #ends: (() => unknown)[]

  private constructor(parts: Parts, ends: (() => unknown)[]) {
    this.prometheus = parts.prometheus
    this.calm = parts.calm
    this.cut = parts.cut
    this.silent = parts.silent
    this.silent_clock = parts.silent_clock
    this.deaf = parts.deaf
    this.mortal = parts.mortal
    this.#ends = ends
  }

  static async start(): Promise<AlertStage> {
    const ends: (() => unknown)[] = []
    try {
      return await build(ends, (parts) => new AlertStage(parts, ends))
    } catch (error) {
      await endAll(ends)
      throw error
    }
  }

  async stop(): Promise<void> {
    await endAll(this.#ends)
  }
}

async function endAll(ends: (() => unknown)[]): Promise<void> {
  for (const end of ends.splice(0).reverse()) await end()
}

async function build(ends: (() => unknown)[], make: (parts: Parts) => AlertStage): Promise<AlertStage> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-clock-'))
  ends.push(() => rmSync(folder, { recursive: true }))
  const silent_clock = join(folder, 'shift')
  writeFileSync(silent_clock, '+0')
  const open = async (size: number, own = {}) => {
    const cluster = await startCluster({ WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8', ...own }, size)
    ends.push(() => cluster.stop())
    return cluster
  }
  const [calm, cut] = await Promise.all([open(1), open(2)])
  const [silent, deaf, mortal] = await Promise.all([
    open(1, settableClock(silent_clock)),
    open(1),
    Mortal.start(),
  ])
  ends.push(() => mortal.server.end('SIGKILL'))
  deaf.servers.push(await deaf.startServer({ SECRET_KEY: OTHER_KEY, PORT: String(await freePort()) }))
  deaf.rests.push(await Rest.at(deaf.servers[1]?.origin ?? '').signIn())

  const target = (cluster: Cluster, index: number, instance: string) => ({
    instance,
    origin: cluster.servers[index]?.origin ?? '',
  })
  const prometheus = await Prometheus.start(inject('programs').prometheus ?? '', rules, [
    target(calm, 0, 'calm'),
    target(cut, 0, 'cut'),
    target(cut, 1, 'cut-too'),
    target(silent, 0, 'silent'),
    target(deaf, 1, 'deaf'),
    { instance: 'mortal', origin: mortal.server.origin },
  ])
  ends.push(() => prometheus.stop())
  for (const cluster of [calm, cut, silent]) ends.push(await loadCluster(cluster))
  ends.push(await load(mortal.fleet, LIGHT_LOAD_MS))
  return make({ prometheus, calm, cut, silent, silent_clock, deaf, mortal })
}

async function loadCluster({ fleet, servers, rests }: Cluster): Promise<() => unknown> {
  const end = await load(fleet, LOAD_MS)
  const token = rests[0]?.token ?? ''
  const trackers = await Promise.all(
    servers.map((server) => new Tracker([server.ws], token, fleet.project_id).start()),
  )
  return () => {
    for (const tracker of trackers) tracker.stop()
    return end()
  }
}

/** Changes the status of agents until it is ended. Failed requests are not repeated. */
export async function load(fleet: Fleet, every_ms: number): Promise<() => Promise<void>> {
  const agents = await spawnMany(fleet, 5)
  let isEnded = false
  const work = async () => {
    for (let turn = 0; !isEnded; turn++) {
      const { id } = agents[turn % agents.length] as Agent
      const status = Math.floor(turn / agents.length) % 2 === 0 ? 'working' : 'idle'
      await fleet.rest.patch(`${fleet.agents}/${id}`, { status }).catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, every_ms))
    }
  }
  const working = work()
  return () => {
    isEnded = true
    return working
  }
}

/** A single server that can be killed and restarted on the same port. */
export class Mortal {
  readonly #env: Record<string, string>
  readonly inspector_port: number
  server: ServerProcess
  readonly fleet: Fleet

  private constructor(env: Record<string, string>, inspector_port: number, started: [ServerProcess, Fleet]) {
    this.#env = env
    this.inspector_port = inspector_port
    this.server = started[0]
    this.fleet = started[1]
  }

  static async start(): Promise<Mortal> {
    const config = await sharedBackends[0]?.config()
    const [port, inspector_port] = [await freePort(), await freePort()]
    const env = {
      PORT: String(port),
      DATABASE_URL: config?.databaseUrl ?? '',
      // 600 reads a minute, counted in the process: in Redis the other servers' requests would count as well.
      RATE_LIMIT_MULTIPLIER: '10',
      NODE_OPTIONS: `--inspect=127.0.0.1:${inspector_port} --inspect-publish-uid=http`,
    }
    const server = await ServerProcess.start(env)
    const fleet = await createFleet(await Rest.at(server.origin).signIn())
    return new Mortal(env, inspector_port, [server, fleet])
  }

  async restart(): Promise<void> {
    this.server = await ServerProcess.start(this.#env)
  }
}

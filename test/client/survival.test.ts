import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Watch, watchProject } from '#src/client/watch/watch.ts'
import type { Config } from '#src/config/config.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import type { App } from '#src/server/app.ts'
import { sharedBackends, startApp } from '../support/backends.ts'
import { eventually } from '../support/eventually.ts'
import { type Answered, checkHistory, readLog, spawnMany, toggleAgents } from '../support/load.ts'
import { type Agent, createFleet, type Fleet, Rest } from '../support/rest.ts'
import { freePort } from '../support/services.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { becomes } from './support.ts'

const RESTARTS = 50
const CUTS = 200
const WATCHERS = 4

/** A server that is started again and again on one port; each restart is a whole new one on the same database. */
class RestartingServer {
  readonly #config: Partial<Config>
  #app: App

  private constructor(config: Partial<Config>, app: App) {
    this.#config = config
    this.#app = app
  }

  static async start(config: Partial<Config>): Promise<RestartingServer> {
    const app = await startApp(config)
    await app.listen()
    return new RestartingServer(config, app)
  }

  /** Resolves when it has noticed that every connection is broken. */
  async isAlone(): Promise<void> {
    while (this.#app.realtime.connections.size > 0) await new Promise((resolve) => setImmediate(resolve))
  }

  async restart(): Promise<void> {
    await this.#app.stop()
    this.#app = await startApp(this.#config)
    await this.#app.listen()
  }

  stop(): Promise<void> {
    return this.#app.stop()
  }
}

/** A watch behind a proxy of its own, with all that its reader was given. */
class Witness {
  readonly watch: Watch
  readonly proxy: TcpProxy
  readonly events: EventFrame[] = []
  readonly resets: string[] = []
  readonly read: Promise<void>
  losses = 0

  constructor(proxy: TcpProxy, origin: string, options: { token: string; project_id: string }) {
    this.proxy = proxy
    const backoff = { first_ms: 10, max_ms: 50 }
    this.watch = watchProject({ url: proxy.through(origin), backoff, ...options })
    this.watch.on('state', ({ kind }) => {
      if (kind === 'offline') this.losses++
    })
    this.read = this.#read()
  }

  async #read(): Promise<void> {
    for await (const item of this.watch) {
      if (item.type === 'event') this.events.push(item)
      else this.resets.push(item.reason)
    }
  }

  /** Breaks the connection as a network does. Resolves when the watch is live again. */
  async cut(): Promise<void> {
    await becomes(this.watch, 'live')
    const lost = becomes(this.watch, 'offline')
    this.proxy.cut()
    await lost
    this.proxy.heal()
    await becomes(this.watch, 'live')
  }
}

describe.each(sharedBackends)('watchers on $name', (backend) => {
  let server: RestartingServer
  let fleet: Fleet
  let token: string
  let origin: string
  const witnesses: Witness[] = []
  let writers: TcpProxy

  beforeAll(async () => {
    const port = await freePort()
    origin = `http://127.0.0.1:${port}`
    server = await RestartingServer.start({
      ...(await backend.config()),
      port,
      rateLimitMultiplier: 10_000,
    })
    writers = await TcpProxy.to(origin)
    const rest = await Rest.at(new URL(writers.through(origin)).origin).signIn()
    token = rest.token ?? ''
    fleet = await createFleet(rest)
    for (let count = 0; count < WATCHERS; count++) {
      const proxy = await TcpProxy.to(origin)
      witnesses.push(new Witness(proxy, origin, { token, project_id: fleet.project_id }))
    }
  })
  afterAll(async () => {
    for (const { watch, proxy } of witnesses) {
      watch.close()
      await proxy.close()
    }
    await writers.close()
    await server.stop()
  })

  /** Every restart but the last breaks the connections first, as a crash does; the last says goodbye. */
  async function restartOften(): Promise<void> {
    const proxies = [writers, ...witnesses.map(({ proxy }) => proxy)]
    for (let count = 1; count < RESTARTS; count++) {
      for (const proxy of proxies) proxy.cut()
      await server.isAlone()
      await server.restart()
      for (const proxy of proxies) proxy.heal()
      await Promise.all(witnesses.map(({ watch }) => becomes(watch, 'live')))
    }
    await server.restart()
    await Promise.all(witnesses.map(({ watch }) => becomes(watch, 'live')))
  }

  it(`see each event once through ${RESTARTS} restarts of the server (inside one process) and ${CUTS} cut connections`, async () => {
    const agents = await spawnMany(fleet, 20)
    let isOver = false
    const rests = [fleet.rest]
    const writes: Promise<Answered> = toggleAgents({ rests, fleet, agents, writers: 4 }, () => isOver)
    const cutOften = async (witness: Witness) => {
      for (let count = 0; count < CUTS / WATCHERS; count++) await witness.cut()
    }
    await restartOften()
    await Promise.all(witnesses.map(cutOften))
    isOver = true
    const answered = await writes

    const log = await readLog(fleet.rest, fleet.project_id)
    const { body } = await fleet.rest.get<{ data: Agent[] }>(`${fleet.agents}?limit=100`)
    expect(log.length).toBeGreaterThan(500)
    expect(checkHistory(log, answered, body.data)).toEqual([])
    const shown = new Map(body.data.map(({ short_term_memory: _, ...agent }) => [agent.id, agent]))
    for (const { watch, events, resets, losses } of witnesses) {
      await eventually(async () => events.at(-1)?.seq === log.length)
      expect(watch.fleet.agents).toEqual(shown)
      expect(resets).toEqual(['start'])
      expect(events).toEqual(log.slice((events[0]?.seq ?? 1) - 1))
      expect(losses).toBeGreaterThanOrEqual(RESTARTS + CUTS / WATCHERS)
    }
  })
})

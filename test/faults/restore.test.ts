import { afterEach, describe, expect, it } from 'vitest'
import { runAgent } from '#src/client/agent/run-agents.ts'
import type { RunningAgent } from '#src/client/agent/running-agent.ts'
import { watchProject } from '#src/client/watch/watch.ts'
import { Backup } from '../support/backup.ts'
import { CliUser } from '../support/cli-process.ts'
import { type Cluster, isClusterMissing, startCluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { listAgents } from '../support/fleet-view.ts'
import { spawnMany } from '../support/load.ts'
import { type Mirror, SocketMirror, StreamMirror, summaryOf } from '../support/mirror.ts'
import { ObedientRuntime } from '../support/obedient-runtime.ts'
import { type Agent, Rest, spawn } from '../support/rest.ts'

const backoff = { first_ms: 20, max_ms: 100 }

/** A fleet on two servers, those who watch it, and runtimes of its first agents. */
class Scene {
  readonly cluster: Cluster
  readonly agents: readonly Agent[]
  readonly mirrors: Mirror[] = []
  running: RunningAgent | undefined
  obedient: ObedientRuntime | undefined
  readonly #ends: (() => unknown)[] = []

  private constructor(cluster: Cluster, agents: readonly Agent[]) {
    this.cluster = cluster
    this.agents = agents
    this.#ends.push(() => cluster.stop())
  }

  static async open(): Promise<Scene> {
    const cluster = await startCluster()
    return new Scene(cluster, await spawnMany(cluster.fleet, 10))
  }

  get origins(): [string, string] {
    return this.cluster.servers.map(({ origin }) => origin) as [string, string]
  }

  get rest(): Rest {
    return Rest.at(this.origins[0]).as(this.cluster.fleet.rest.token)
  }

  end(call: () => unknown): void {
    this.#ends.push(call)
  }

  socket(name: string, options: { knowsEpochs?: boolean } = {}): SocketMirror {
    const server = this.mirrors.length % 2
    const mirror = new SocketMirror(name, this.cluster.fleet, {
      url: this.cluster.servers[server]?.ws ?? '',
      ...options,
    })
    this.#keep(mirror)
    return mirror
  }

  #keep(mirror: Mirror): void {
    this.mirrors.push(mirror)
    this.end(() => mirror.leave())
  }

  watchByLibrary(): void {
    const { rest, project_id } = this.cluster.fleet
    const watch = watchProject({ url: this.origins[1], token: rest.token ?? '', project_id, backoff })
    this.#keep({
      name: 'the library',
      held: watch.fleet.agents,
      leave: () => watch.close(),
      comeBack: () => {},
    })
  }

  stream(name: string): StreamMirror {
    const mirror = new StreamMirror(name, this.cluster.fleet, this.origins[0])
    this.#keep(mirror)
    return mirror
  }

  /** An agent by the client library, and one that is written by hand. */
  async run(): Promise<void> {
    const [first, second] = this.agents as [Agent, Agent]
    const { token = '' } = this.rest
    const running = await runAgent({ url: this.origins[0], token, agent_id: first.id, backoff })
    const obedient = new ObedientRuntime(
      this.cluster.servers.map(({ ws }) => ws),
      token,
      second.id,
    ).start()
    this.running = running
    this.obedient = obedient
    this.end(() => running.close())
    this.end(() => obedient.stop())
  }

  /** Writes as often as it takes: a database that is being replaced is a 503. */
  async write(agents: readonly Agent[], current_task: string): Promise<void> {
    for (const { id } of agents) {
      const path = `${this.cluster.fleet.agents}/${id}`
      await eventually(async () => {
        const { status } = await this.rest.patch(path, { current_task })
        if (status !== 200 && status !== 503) throw new Error(`a write was answered ${status}`)
        return status === 200
      })
    }
  }

  async bump(): Promise<void> {
    const cli = new CliUser({ DATABASE_URL: this.cluster.databaseUrl })
    const { code, stderr } = await cli.run(['epoch', 'bump'])
    cli.remove()
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  }

  /** All that have what the database has, and all that are at the same place without having it. */
  async compare(): Promise<{ equal: string[]; wrong: string[] }> {
    const marker = await spawn({ ...this.cluster.fleet, rest: this.rest }, { name: 'the last' })
    await eventually(async () => this.mirrors.every(({ held }) => held.has(marker.id)))
    const agents = await listAgents(this.cluster.fleet, this.rest)
    const truth = JSON.stringify(agents.map(summaryOf).sort(byId))
    const isEqual = ({ held }: Mirror) => JSON.stringify([...held.values()].sort(byId)) === truth
    const [equal, wrong] = [this.mirrors.filter(isEqual), this.mirrors.filter((one) => !isEqual(one))]
    return { equal: equal.map(({ name }) => name), wrong: wrong.map(({ name }) => name) }
  }

  async close(): Promise<void> {
    for (const end of this.#ends.reverse()) await end()
  }
}

type History = { backup: Backup; early: Agent[]; late: Agent[]; away: Mirror[] }

const byId = (left: { id: string }, right: { id: string }) => (left.id < right.id ? -1 : 1)

describe.skipIf(isClusterMissing)('a backup that is restored', () => {
  let scene: Scene
  afterEach(() => scene.close())

  const has = (mirror: Mirror, agent: Agent, current_task: string) =>
    eventually(async () => mirror.held.get(agent.id)?.current_task === current_task)

  /** A history after a backup that will not have been: readers leave at two places of it. */
  async function openWithHistory(): Promise<History> {
    scene = await Scene.open()
    const [early, late] = [scene.agents.slice(2, 6), scene.agents.slice(6)]
    const backup = await Backup.take(scene.cluster.databaseUrl)
    scene.end(() => backup.remove())
    const ahead = scene.socket('ahead')
    const behind = [
      scene.socket('behind'),
      scene.socket('behind, of before epochs', { knowsEpochs: false }),
      scene.stream('a stream behind'),
    ]
    await scene.write(early, 'lost')
    for (const mirror of behind) await has(mirror, early.at(-1) as Agent, 'lost')
    for (const mirror of behind) mirror.leave()
    await spawn(scene.cluster.fleet, { name: 'never was' })
    for (const task of ['a', 'b', 'c', 'd']) await scene.write(scene.agents, task)
    await has(ahead, scene.agents.at(-1) as Agent, 'd')
    ahead.leave()
    return { backup, early, late, away: [ahead, ...behind] }
  }

  const restart = async () => {
    const { cluster, origins } = scene
    await Promise.all(cluster.servers.map((server) => server.end('SIGKILL')))
    return async () => {
      const starting = origins.map((origin) => cluster.startServer({ PORT: new URL(origin).port }))
      cluster.servers.splice(0, 2, ...(await Promise.all(starting)))
    }
  }

  /** Servers stopped, restored, started: those who left come back after the new history has passed one of them. */
  async function restoreWhileStopped({ bumps }: { bumps: boolean }) {
    const { backup, late, away } = await openWithHistory()
    scene.socket('connected')
    scene.watchByLibrary()
    scene.stream('a stream')
    await eventually(async () => scene.mirrors.slice(4).every(({ held }) => held.size === 11))
    const start = await restart()
    await backup.restore()
    if (bumps) await scene.bump()
    await start()
    await scene.write([...late, ...late], 'found')
    for (const mirror of away) mirror.comeBack()
    return scene.compare()
  }

  it('is what every reader ends with, once its projects have a new epoch', async () => {
    const { wrong, equal } = await restoreWhileStopped({ bumps: true })
    expect({ wrong, equal: equal.length }).toEqual({ wrong: [], equal: 7 })
  })

  it('misleads readers that were away where they have not', async () => {
    const { wrong } = await restoreWhileStopped({ bumps: false })
    expect(wrong).toEqual(expect.arrayContaining(['behind', 'behind, of before epochs', 'a stream behind']))
  })

  it('may replace the database under running servers: readers stay, runtimes attach again', async () => {
    const { backup, early, late, away } = await openWithHistory()
    const [near, far] = [scene.socket('connected'), scene.socket('connected elsewhere')]
    scene.watchByLibrary()
    scene.stream('a stream')
    await scene.run()
    const { running, obedient } = scene as { running: RunningAgent; obedient: ObedientRuntime }
    await eventually(async () => obedient.isAttached)
    await running.report({ current_task: 'lost', usage: { tokens_used: 5 } })
    await scene.rest.post(`${scene.cluster.fleet.agents}/${obedient.agent_id}/pause`)
    await eventually(async () => obedient.applied === 'paused')

    await backup.restore()
    // Whatever is written before the bump is of the new history, too.
    await scene.write(late, 'found')
    await scene.bump()
    await scene.write(early, 'found')
    for (const mirror of away) mirror.comeBack()

    const read = async (id: string) =>
      (await scene.rest.get<Agent>(`${scene.cluster.fleet.agents}/${id}`)).body
    await eventually(async () => (await read(running.agent_id)).runtime.connected)
    await eventually(async () => (await read(obedient.agent_id)).runtime.connected)
    await running.report({ current_task: 'found', usage: { tokens_used: 7 } })
    expect(await read(running.agent_id)).toMatchObject({ current_task: 'found', tokens_used: 7 })
    // Restored to what it was: the pause was never asked for, and the next order is obeyed.
    expect((await read(obedient.agent_id)).status).toBe('idle')
    await scene.rest.post(`${scene.cluster.fleet.agents}/${obedient.agent_id}/pause`)
    await eventually(async () => (await read(obedient.agent_id)).control?.state === 'done')

    const { wrong, equal } = await scene.compare()
    expect({ wrong, equal: equal.length }).toEqual({ wrong: [], equal: 8 })
    for (const { closes, answers } of [near, far]) {
      expect(closes).toBe(0)
      expect(answers.at(-1)).toMatchObject({ resumed: false, reason: 'unknown' })
      expect(answers.at(-1)?.epoch).toBeGreaterThan(Date.now() - 60_000)
    }
  })
})

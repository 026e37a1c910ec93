import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import slotOf from 'cluster-key-slot'
import { Redis } from 'ioredis'
import { inject } from 'vitest'
import { channelOf } from '#src/bus/news.ts'
import { freePort, untilAnswers } from './services.ts'

const SIZE = 3
const SLOT_COUNT = 16_384
const firstSlot = (place: number) => Math.floor((place * SLOT_COUNT) / SIZE)

/** For `describe.skipIf`: the global set-up says in its summary what was not run. */
export const isRedisServerMissing = inject('programs').redis_server === undefined

/** `disabled`: commands that the nodes shall not know. */
type Options = { password?: string; disabled?: readonly string[] }

/** A `redis-server` of a cluster, to be killed, stopped and started again as it was. */
class Node {
  readonly port: number
  readonly #password: string | undefined
  readonly #args: readonly string[]
  #process: ChildProcess

  constructor(ports: { port: number; bus: number }, folder: string, { password, disabled = [] }: Options) {
    this.port = ports.port
    this.#password = password
    const own = { port: ports.port, 'cluster-port': ports.bus, 'cluster-config-file': `${ports.port}.conf` }
    const all = {
      ...own,
      bind: '127.0.0.1',
      save: '',
      'repl-diskless-sync-delay': 0,
      dir: folder,
      'cluster-node-timeout': 1_000,
    }
    const named = Object.entries(all).flatMap(([name, value]) => [`--${name}`, String(value)])
    const renamed = disabled.flatMap((name) => ['--rename-command', name, ''])
    const secret = password ? ['--requirepass', password] : []
    this.#args = [...named, '--cluster-enabled', 'yes', ...secret, ...renamed]
    this.#process = this.#start()
  }

  #start(): ChildProcess {
    return spawn(inject('programs').redis_server ?? '', this.#args, { stdio: 'ignore' })
  }

  async ask<Answer>(asking: (redis: Redis) => Promise<Answer>): Promise<Answer> {
    const redis = new Redis(this.port, '127.0.0.1', {
      lazyConnect: true,
      retryStrategy: () => null,
      ...(this.#password && { password: this.#password }),
    })
    redis.on('error', () => {})
    try {
      await redis.connect()
      return await asking(redis)
    } finally {
      redis.disconnect()
    }
  }

  untilAnswers(): Promise<void> {
    return untilAnswers(() => this.ask((redis) => redis.ping()).then(Boolean, () => false))
  }

  /** As a machine that has lost its power. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const gone = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.kill('SIGKILL')
    await gone
  }

  /** Takes connections and answers nothing, until `resume`. */
  hang(): void {
    this.#process.kill('SIGSTOP')
  }

  resume(): void {
    this.#process.kill('SIGCONT')
  }

  restart(): void {
    this.#process = this.#start()
  }
}

/** Three masters without replicas, each with a third of the slots. */
export class RedisCluster {
  readonly nodes: Node[]
  readonly url: string
  readonly #folder: string

  private constructor(nodes: Node[], folder: string, { password }: Options) {
    this.nodes = nodes
    const credentials = password ? `:${encodeURIComponent(password)}@` : ''
    this.url = `redis://${credentials}${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`
    this.#folder = folder
  }

  static async start(options: Options = {}): Promise<RedisCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-redis-cluster-'))
    const nodes: Node[] = []
    const buses: number[] = []
    for (let place = 0; place < SIZE; place++) {
      const ports = { port: await freePort(), bus: await freePort() }
      nodes.push(new Node(ports, folder, options))
      buses.push(ports.bus)
    }
    const cluster = new RedisCluster(nodes, folder, options)
    await Promise.all(nodes.map((node) => node.untilAnswers()))
    for (const [place, node] of nodes.entries()) {
      await node.ask(async (redis) => {
        await redis.cluster('ADDSLOTSRANGE', firstSlot(place), firstSlot(place + 1) - 1)
        await redis.cluster('SET-CONFIG-EPOCH', place + 1)
        if (place > 0)
          await redis.call('cluster', 'meet', '127.0.0.1', String(nodes[0]?.port), String(buses[0]))
      })
    }
    await cluster.untilWhole()
    return cluster
  }

  /** A fourth node, which takes over from one that dies. */
  async addReplicaOf(place: number): Promise<void> {
    const ports = { port: await freePort(), bus: await freePort() }
    const [replica, master] = [new Node(ports, this.#folder, {}), this.nodes[place]]
    this.nodes.push(replica)
    await replica.untilAnswers()
    const id = await master?.ask((redis) => redis.cluster('MYID'))
    await master?.ask((redis) =>
      redis.call('cluster', 'meet', '127.0.0.1', String(ports.port), String(ports.bus)),
    )
    await this.untilWhole()
    await replica.ask((redis) => redis.call('cluster', 'replicate', String(id)))
    await untilAnswers(async () => /master_link_status:up/.test(await replica.ask((redis) => redis.info())))
  }

  /** Until every node says that it serves, with all the others. */
  async untilWhole(): Promise<void> {
    const isWhole = (node: Node) =>
      node
        .ask((redis) => redis.cluster('INFO'))
        .then(
          (info) =>
            /cluster_state:ok/.test(info) && info.includes(`cluster_known_nodes:${this.nodes.length}`),
        )
        .catch(() => false)
    await untilAnswers(async () => (await Promise.all(this.nodes.map(isWhole))).every(Boolean))
  }

  /** The place of the node that has a project's channel, as long as no slot has moved. */
  placeOf(project_id: string, deployment: string): number {
    const slot = slotOf(channelOf(deployment, project_id))
    return this.nodes.findIndex((_, place) => slot < firstSlot(place + 1))
  }

  /** Gives a project's slot to another node, as `redis-cli --cluster reshard` does with one that is empty. */
  async move(
    { project_id, deployment }: { project_id: string; deployment: string },
    to: number,
  ): Promise<void> {
    const slot = slotOf(channelOf(deployment, project_id))
    const id = await this.nodes[to]?.ask((redis) => redis.cluster('MYID'))
    const others = this.nodes.filter((_, place) => place !== to)
    const target = this.nodes[to]
    for (const node of [...(target ? [target] : []), ...others]) {
      await node.ask((redis) => redis.call('cluster', 'setslot', String(slot), 'node', String(id)))
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()))
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

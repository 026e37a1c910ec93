import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { inject } from 'vitest'
import { freePort, untilAnswers } from './services.ts'

class Server {
  readonly port: number
  readonly admin: Redis
  readonly #process: ChildProcess

  constructor(port: number, folder: string) {
    this.port = port
    const options = ['--save', '', '--repl-diskless-sync-delay', '0', '--dir', folder]
    const args = ['--port', String(port), '--bind', '127.0.0.1', ...options]
    this.#process = spawn(inject('programs').redis_server ?? '', args, { stdio: 'ignore' })
    this.admin = new Redis(port, '127.0.0.1')
    this.admin.on('error', () => {})
  }

  /** Connections of clients: not ours, and not those of replication. */
  async countClients(): Promise<number> {
    const [own, list] = [await this.admin.client('ID'), String(await this.admin.client('LIST'))]
    const others = list.trim().split('\n')
    return others.filter((line) => !line.startsWith(`id=${own} `) && !/ flags=\S*[SM]/.test(line)).length
  }

  async stop(): Promise<void> {
    this.admin.disconnect()
    const gone = new Promise((resolve) => this.#process.once('exit', resolve))
    if (this.#process.exitCode === null && this.#process.kill('SIGKILL')) await gone
  }
}

/** A master and its replica, which can change places while all connections stay open. */
export class RedisPair {
  readonly servers: readonly [Server, Server]
  readonly #folder: string

  private constructor(servers: readonly [Server, Server], folder: string) {
    this.servers = servers
    this.#folder = folder
  }

  static async start(): Promise<RedisPair> {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-redis-pair-'))
    const servers = [new Server(await freePort(), folder), new Server(await freePort(), folder)] as const
    const pair = new RedisPair(servers, folder)
    await pair.#follow(servers[1], servers[0])
    return pair
  }

  url(place: 0 | 1): string {
    return `redis://127.0.0.1:${this.servers[place].port}`
  }

  /** The second is the master from now on, and the first its replica. */
  async failOver(): Promise<void> {
    const [first, second] = this.servers
    await second.admin.replicaof('NO', 'ONE')
    await this.#follow(first, second)
  }

  async #follow(replica: Server, master: Server): Promise<void> {
    await replica.admin.replicaof('127.0.0.1', master.port)
    await untilAnswers(async () =>
      (await replica.admin.info('replication')).includes('master_link_status:up'),
    )
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()))
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

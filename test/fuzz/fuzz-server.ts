import { expect } from 'vitest'
import { sharedBackends } from '../support/backends.ts'
import { Rest } from '../support/rest.ts'
import { ServerProcess } from '../support/server-process.ts'
import { Bystander } from './bystander.ts'

const { FUZZ_RUNS = '1500', FUZZ_SEED = String(Date.now() % 1_000_000_000) } = process.env

/** How many hostile things to send, and the seed that makes them again. */
export const runs = Number(FUZZ_RUNS)
export const seed = Number(FUZZ_SEED)

const MEGABYTE = 1024 * 1024
const MAX_GROWTH = 100 * MEGABYTE
const MAX_LATE_MS = 1_000

/** A server that is about to be treated badly, and somebody who has nothing to do with it. */
export class FuzzServer {
  readonly process: ServerProcess
  readonly rest: Rest
  readonly #bystander: Bystander
  #warm: number | undefined

  private constructor(process: ServerProcess, rest: Rest, bystander: Bystander) {
    this.process = process
    this.rest = rest
    this.#bystander = bystander
  }

  static async start(): Promise<FuzzServer> {
    const config = await sharedBackends[0]?.config()
    const server = await ServerProcess.start(
      config?.databaseUrl && config.redisUrl
        ? { DATABASE_URL: config.databaseUrl, REDIS_URL: config.redisUrl }
        : { DATA_DIR: 'memory://' },
    )
    const rest = await Rest.at(server.origin).signIn()
    return new FuzzServer(server, rest, await Bystander.start(server.origin, rest))
  }

  /** Remembers how much memory a server has that has seen some of everything. */
  async warm(): Promise<void> {
    this.#warm = await this.#settledMemory()
  }

  /** What must hold after all that was done to it: nobody else has noticed, and it has kept nothing of it. */
  async check(): Promise<void> {
    expect((await fetch(`${this.process.origin}/healthz`)).status).toBe(200)
    expect(this.process.child.exitCode).toBeNull()
    const { sent, received, worst_ms } = await this.#bystander.restart()
    expect(received, 'the bystander’s events').toBe(sent)
    expect(sent).toBeGreaterThan(0)
    expect(worst_ms, 'the latest of the bystander’s events').toBeLessThan(MAX_LATE_MS)
    expect(this.process.errors).toEqual([])
    if (this.#warm === undefined) return
    const grown = (await this.#settledMemory()) - this.#warm
    expect(grown / MEGABYTE, 'megabytes more than when warm').toBeLessThan(MAX_GROWTH / MEGABYTE)
  }

  async stop(): Promise<void> {
    await this.#bystander.stop()
    await this.process.end('SIGKILL')
  }

  /** The least that it has within three seconds of rest. */
  async #settledMemory(): Promise<number> {
    let least = Number.POSITIVE_INFINITY
    for (let look = 0; look < 12; look++) {
      least = Math.min(least, this.process.memory())
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
    return least
  }
}

import { Rest } from './rest.ts'

const AGAIN_MS = 20

/**
 * Writes as a client behind a load balancer does: to any server that takes it, the same again where one is away or
 * drains. One agent, one write at a time, so that what it has to be in the end is known.
 */
export class SteadyWriter {
  readonly #origins: readonly string[]
  readonly #token: string | undefined
  readonly #agent: string
  /** What was answered otherwise than by success, or by 503 with a Retry-After. */
  readonly faults: string[] = []
  readonly name: string
  /** The task that the agent was last given, and how many messages it was sent. */
  task = ''
  messages = 0
  writes = 0
  again = 0
  #isDone = false
  #running: Promise<void> | undefined

  constructor(
    origins: readonly string[],
    token: string | undefined,
    { id, path }: { id: string; path: string },
  ) {
    this.#origins = origins
    this.#token = token
    this.#agent = path
    this.name = id
  }

  start(): this {
    this.#running = this.#run()
    return this
  }

  async stop(): Promise<void> {
    this.#isDone = true
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#isDone) {
      this.writes++
      if (this.writes % 4 === 0) await this.#send(++this.messages)
      else await this.#change(`${this.name} ${this.writes}`)
    }
  }

  async #change(current_task: string): Promise<void> {
    await this.#until(200, (rest) => rest.patch(this.#agent, { current_task }))
    this.task = current_task
  }

  async #send(n: number): Promise<void> {
    const key = { 'idempotency-key': `${this.name}-${n}` }
    const body = { kind: 'message', payload: { n } }
    await this.#until(201, (rest) => rest.call('POST', `${this.#agent}/signals`, body, key))
  }

  async #until(
    expected: number,
    call: (rest: Rest) => Promise<{ status: number; headers: Headers; body: unknown }>,
  ): Promise<void> {
    for (let attempt = this.writes; ; attempt++) {
      const origin = this.#origins[attempt % this.#origins.length] as string
      const answer = await call(Rest.at(origin).as(this.#token)).catch(() => undefined)
      if (answer?.status === expected) return
      if (answer && !(answer.status === 503 && answer.headers.has('retry-after'))) {
        this.faults.push(`${answer.status} ${JSON.stringify(answer.body)}`)
        this.#isDone = true
        return
      }
      this.again++
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
    }
  }
}

import { type Agent, createFleet, type Fleet, type Rest, spawn, unique } from '../support/rest.ts'
import { Watcher } from '../support/watcher.ts'

const PERIOD_MS = 200

export type Seen = { sent: number; received: number; worst_ms: number }

/** Somebody with a project of their own: a change every 200 ms, and a dashboard that has to show it at once. */
export class Bystander {
  readonly #fleet: Fleet
  readonly #agent: Agent
  readonly #watcher: Watcher
  readonly #sentAt = new Map<string, number>()
  #late: number[] = []
  #sent = 0
  #timer: NodeJS.Timeout | undefined
  #changing: Promise<unknown>[] = []

  private constructor(fleet: Fleet, agent: Agent, watcher: Watcher) {
    this.#fleet = fleet
    this.#agent = agent
    this.#watcher = watcher
    watcher.socket.on('message', (data) => this.#take(JSON.parse(data.toString())))
  }

  /** With a user of its own, so that nothing that happens to another one concerns it. */
  static async start(ws: string, superuser: Rest): Promise<Bystander> {
    const credentials = { email: `${unique('bystander')}@example.org`, password: 'a long password' }
    await superuser.post('/users', { ...credentials, is_superuser: true })
    const rest = await superuser.signIn(credentials)
    const fleet = await createFleet(rest)
    const agent = await spawn(fleet)
    const watcher = new Watcher(ws, { token: rest.token })
    await watcher.next('hello')
    await watcher.ask({ type: 'subscribe', project_id: fleet.project_id }, 'subscribed')
    const bystander = new Bystander(fleet, agent, watcher)
    bystander.#begin()
    return bystander
  }

  /** Waits for what is under way, tells how it went, and begins anew. */
  async restart(): Promise<Seen> {
    clearInterval(this.#timer)
    await Promise.all(this.#changing)
    const last = Date.now() + 5_000
    while (this.#sentAt.size > 0 && Date.now() < last) await new Promise((resolve) => setTimeout(resolve, 10))
    const seen = { sent: this.#sent, received: this.#late.length, worst_ms: Math.max(0, ...this.#late) }
    this.#begin()
    return seen
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#watcher.socket.terminate()
  }

  #begin(): void {
    this.#late = []
    this.#sent = 0
    this.#changing = []
    this.#sentAt.clear()
    this.#timer = setInterval(() => this.#changing.push(this.#change()), PERIOD_MS)
  }

  async #change(): Promise<void> {
    const current_task = unique('task')
    this.#sent++
    this.#sentAt.set(current_task, performance.now())
    const path = `${this.#fleet.agents}/${this.#agent.id}`
    // What is not answered is an event that does not come: it is seen there.
    await this.#fleet.rest.patch(path, { current_task }).catch(() => {})
  }

  #take(frame: { type: string; agent?: { current_task: string } }): void {
    const task = frame.agent?.current_task ?? ''
    const sentAt = this.#sentAt.get(task)
    if (sentAt === undefined) return
    this.#sentAt.delete(task)
    this.#late.push(performance.now() - sentAt)
  }
}

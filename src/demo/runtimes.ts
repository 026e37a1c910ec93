import { setTimeout as sleep } from 'node:timers/promises'
import { type Connection, connect, type RunningAgent, runAgents } from '#src/client/index.ts'
import * as cast from './cast.ts'
import { between, pick } from './chance.ts'
import type { Line } from './fleet.ts'

/** How a runtime obeys a pause: resolves when it has stopped, and rejects where it cannot. */
type Temper = { oneIn: number; stop: (step: AbortSignal) => Promise<unknown> }

/** Stops after a while, or at once when it is interrupted or terminated. */
const within = (low: number, high: number) => (step: AbortSignal) =>
  sleep(between(low, high), undefined, { signal: step }).catch(() => {})

/** Most stop within a second. Some first finish a long step; a few take more than 30 s, and become overdue. */
const tempers = {
  quick: { oneIn: 1, stop: within(80, 900) },
  slow: { oneIn: 6, stop: within(5_000, 25_000) },
  late: { oneIn: 20, stop: within(35_000, 50_000) },
  stubborn: { oneIn: 40, stop: () => Promise.reject(new Error(pick(cast.failures))) },
} as const satisfies Record<string, Temper>

/** Chosen by the place in the fleet, so that every start has some of each. */
function temperOf(place: number): Temper {
  const rare = Object.values(tempers).sort((left, right) => right.oneIn - left.oneIn)
  return rare.find(({ oneIn }) => place % oneIn === oneIn - 1) ?? tempers.quick
}

/** How a runtime of the demo behaves. */
export const habits = {
  capabilities: ['interrupt'],
  onMessage: () => sleep(between(100, 1_500)),
}

/** The runtimes of the demo's agents: each project has one key and one connection, as a program of its own would. */
export class Runtimes {
  readonly #connections: ReadonlyMap<string, Connection>
  /** By the `external_id` of the agent, which begins with the slug of its project. */
  readonly #running = new Map<string, RunningAgent>()
  readonly #tempers = new Map<string, Temper>()
  #started = 0

  /** `keys` by the id of the project. */
  constructor(url: string, keys: ReadonlyMap<string, string>) {
    this.#connections = new Map([...keys].map(([id, token]) => [id, connect({ url, token })]))
  }

  /** Starts a runtime for every agent without one. An agent that is terminated, or cannot be run, leaves the project. */
  async cover({ project, members }: Line): Promise<void> {
    const connection = this.#connections.get(project.id)
    if (!connection) throw new Error(`the demo has no runtime key for ${project.slug}`)
    for (const name of members.keys()) if (this.#running.get(name)?.signal.aborted) this.#drop(name, members)
    const missing = [...members.values()].filter(({ external_id }) => !this.#running.has(external_id))
    for (const { external_id } of missing) this.#tempers.set(external_id, temperOf(this.#started++))
    try {
      const agents = await runAgents({
        ...habits,
        connection,
        registrations: missing,
        onPause: (_, agent) => this.#stop(agent),
      })
      for (const agent of agents) this.#add(agent)
    } catch (error) {
      for (const { external_id } of missing) this.#drop(external_id, members)
      throw error
    }
  }

  of(external_id: string): RunningAgent | undefined {
    return this.#running.get(external_id)
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close()
  }

  #stop(agent: RunningAgent): Promise<unknown> | undefined {
    return this.#tempers.get(agent.details.external_id ?? '')?.stop(agent.interruptSignal())
  }

  #add(agent: RunningAgent): void {
    this.#running.set(agent.details.external_id ?? '', agent)
    const startsAtOnce = agent.details.status === 'idle' && between(1, 2) === 1
    if (startsAtOnce) void agent.report({ status: 'working', current_task: pick(cast.tasks) })
    // Closing acknowledges the terminate.
    agent.signal.addEventListener('abort', () => void agent.close())
  }

  #drop(external_id: string, members: Line['members']): void {
    members.delete(external_id)
    this.#running.delete(external_id)
    this.#tempers.delete(external_id)
  }
}

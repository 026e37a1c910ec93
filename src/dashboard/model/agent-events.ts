import { effect } from '@preact/signals'
import type { Api } from '#src/client/rest/rest.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { AgentEventFrame, EventFrame } from '#src/protocol/messages/event.ts'
import { LogReader } from './log.ts'
import { isOfAgent } from './of-agent.ts'
import type { ProjectLive } from './project-live.ts'
import { reconnects } from './reconnects.ts'

/** The agent's newest events that the page reads at first. */
const WANTED = 500
/** After this many events of the project the page reads on, while its own history still has them all. */
const READ_AFTER = 1_000

/**
 * The newest events of one agent, whatever others do: read from the log, and continued with those that the project hears. The
 * project keeps only its own newest events, which a busy fleet fills in minutes.
 */
export class AgentEvents {
  readonly #reader: LogReader
  readonly #live: ProjectLive
  readonly #agent_id: string
  readonly #stops: (() => void)[]
  #isReading = false

  constructor(api: Api, live: ProjectLive, agent_id: string) {
    this.#live = live
    this.#agent_id = agent_id
    this.#reader = new LogReader(api, live.project_id, { agent_id }, WANTED)
    this.#stops = [
      effect(() => {
        void live.version.value
        if (this.#reader.problem.peek() === undefined) void this.read()
      }),
      effect(() => {
        void reconnects.value
        if (this.#reader.problem.peek() !== undefined) void this.read()
      }),
    ]
  }

  /** Oldest first, each once. */
  get all(): AgentEventFrame[] {
    const state = this.#reader.state.value
    return [...(state?.events ?? []).filter(isOfAgent), ...this.#heardAfter(state?.to ?? 0)]
  }

  /** Whether the log has answered. */
  get isRead(): boolean {
    return this.#reader.state.value !== undefined
  }

  get problem(): string | undefined {
    return this.#reader.problem.value
  }

  /** The agent before an event, as far as it is known. */
  readonly before = (event: EventFrame): AgentSummary | undefined =>
    this.#reader.before(event) ?? this.#live.history.before(event)

  /** Reads what the project's own history does not have, or soon will not have any more. */
  async read(): Promise<void> {
    const state = this.#reader.state.peek()
    if (this.#isReading || (state && !this.#isBehind(state.to))) return
    this.#isReading = true
    await (state ? this.#reader.newer() : this.#reader.start({}))
    this.#isReading = false
  }

  close(): void {
    for (const stop of this.#stops) stop()
    this.#reader.stop()
  }

  #isBehind(to: number): boolean {
    return this.#live.history.firstKept > to + 1 || this.#live.seq - to > READ_AFTER
  }

  #heardAfter(seq: number): AgentEventFrame[] {
    const { events } = this.#live.history
    const heard: AgentEventFrame[] = []
    for (let index = events.length - 1; index >= 0; index--) {
      const event = events[index]
      if (!event || event.seq <= seq) break
      if (isOfAgent(event) && event.agent.id === this.#agent_id) heard.push(event)
    }
    return heard.reverse()
  }
}

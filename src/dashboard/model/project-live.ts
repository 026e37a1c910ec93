import { type ReadonlySignal, signal } from '@preact/signals'
import type { Connection, EventFrame, LinkState, Watch } from '#src/client/index.ts'
import { watchProject } from '#src/client/index.ts'
import type { Api } from '#src/client/rest.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { framed } from './clock.ts'
import { HISTORY_MS, History } from './history.ts'
import { count, noTotals, type Totals } from './totals.ts'

/** As many events of before are read, so that a busy project costs no more than a few megabytes. */
const MAX_PAGES = 3
const PAGE_SIZE = 1_000

/**
 * One project as it is: its agents, sums over them, its latest events. However many events come, whoever looks at a
 * signal of it is woken once a frame.
 */
export class ProjectLive {
  readonly project_id: string
  readonly history = new History()
  readonly #watch: Watch
  readonly #known = new Map<string, AgentSummary>()
  readonly #totals = noTotals()
  readonly #version = signal(0)
  readonly #recalled = signal(0)
  #isRecalled = false
  readonly #state: ReturnType<typeof signal<LinkState>>
  readonly #wake = framed(() => {
    this.#version.value++
  })

  constructor(connection: Connection, project_id: string) {
    this.project_id = project_id
    this.#watch = watchProject({ connection, project_id })
    this.#state = signal(this.#watch.state)
    this.#watch.on('state', (state) => {
      this.#state.value = state
    })
    this.#watch.fleet.on('reset', ({ agents, seq }) => this.#reset(agents, seq))
    this.#watch.fleet.on('change', ({ event }) => this.#change(event))
  }

  get agents(): ReadonlyMap<string, AgentSummary> {
    return this.#known
  }

  /** Read it to be woken when anything has changed. */
  get version(): ReadonlySignal<number> {
    return this.#version
  }

  /** Read it to be woken when more of what was before is known. */
  get recalled(): ReadonlySignal<number> {
    return this.#recalled
  }

  get state(): ReadonlySignal<LinkState> {
    return this.#state as ReadonlySignal<LinkState>
  }

  /** Whether there is anything to show: also while it is offline, as of then. */
  get isFilled(): boolean {
    return this.#watch.fleet.seq !== undefined
  }

  get seq(): number {
    return this.#watch.fleet.seq ?? 0
  }

  get totals(): Readonly<Totals> {
    return this.#totals
  }

  /** Reads what happened before this page was there: an hour, or as many events as are worth it. Once. */
  async recall(api: Api): Promise<void> {
    if (this.#isRecalled || !this.isFilled) return
    this.#isRecalled = true
    try {
      let size = PAGE_SIZE
      for (let page = 0; page < MAX_PAGES && this.history.first_seq > 0; page++) {
        const until = this.history.first_seq
        const after = Math.max(0, until - size)
        const { epoch } = this.#watch.fleet
        const { data } = await api.events.list(this.project_id, { after, epoch, limit: until - after })
        // The state may have been told anew meanwhile.
        if (this.history.first_seq !== until || data.length === 0) return
        // Large events, which come fewer at a time.
        if (data.at(-1)?.seq !== until) {
          size = data.length
          continue
        }
        this.history.prepend(data)
        this.#recalled.value++
        if (Date.parse(data[0]?.at ?? '') < Date.now() - HISTORY_MS) return
      }
    } catch {
      // What is no longer kept, or not to be had now: the charts begin with what is known.
    }
  }

  close(): void {
    this.#watch.close()
  }

  #reset(agents: ReadonlyMap<string, AgentSummary>, seq: number): void {
    Object.assign(this.#totals, noTotals())
    this.#known.clear()
    for (const [id, agent] of agents) {
      this.#known.set(id, agent)
      count(this.#totals, agent, 1)
    }
    this.history.begin(this.#totals, seq)
    this.#isRecalled = false
    this.#wake()
  }

  #change(event: EventFrame): void {
    const { agent } = event
    const before = this.#known.get(agent.id)
    if (before) count(this.#totals, before, -1)
    count(this.#totals, agent, 1)
    this.#known.set(agent.id, agent)
    this.history.add(event, before, this.#totals)
    this.#wake()
  }
}

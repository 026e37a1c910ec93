import { type ReadonlySignal, signal } from '@preact/signals'
import type { AgentEventFrame, ClosedReason, Connection, LinkState, Watch } from '#src/client/index.ts'
import { watchProject } from '#src/client/index.ts'
import type { Api } from '#src/client/rest/rest.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { Hold } from '#src/domain/hold.ts'
import type { ProjectBudget } from '#src/domain/project-budget.ts'
import { type Concerns, findConcerns, noConcerns } from './attention.ts'
import { framed } from './clock.ts'
import { HISTORY_MS, History } from './history.ts'
import type { Inbox } from './inbox.ts'
import { completeAgent, completeEvent } from './older.ts'
import { recollect } from './recollection.ts'
import { count, noTotals, type Totals } from './totals.ts'
import { Trees } from './trees.ts'

/** The page reads at most this many pages of older events, so that a busy project costs a few megabytes at most. */
const MAX_PAGES = 3
const PAGE_SIZE = 1_000
/** Without an event, only time makes an agent need attention. */
const LOOK_EVERY_MS = 5_000

/** What a project tells the inbox, and asks it. */
type ProjectInbox = Pick<Inbox, 'hear' | 'readSoon' | 'byAgent'>

/**
 * One live project: its agents, their sums and the latest events. However many events arrive, its signals change at most
 * once a frame.
 */
export class ProjectLive {
  readonly project_id: string
  readonly history = new History()
  readonly trees = new Trees()
  readonly #watch: Watch
  readonly #inbox: ProjectInbox
  readonly #concerns = signal(noConcerns)
  #lookedAt = { seq: -1, time: 0 }
  readonly #known = new Map<string, AgentSummary>()
  readonly #totals = noTotals()
  readonly #version = signal(0)
  readonly #stopsVersion = signal(0)
  readonly #recalled = signal(0)
  #isRecalled = false
  readonly #state: ReturnType<typeof signal<LinkState>>
  readonly #wake = framed(() => {
    this.#version.value++
  })

  /** `onEnd` hears why the watch has ended. */
  constructor(
    connection: Connection,
    project_id: string,
    inbox: ProjectInbox,
    onEnd: (reason: ClosedReason) => void = () => {},
  ) {
    this.project_id = project_id
    this.#inbox = inbox
    this.#watch = watchProject({ connection, project_id })
    this.#state = signal(this.#watch.state)
    this.#watch.on('state', (state) => {
      this.#state.value = state
      if (state.kind === 'closed') onEnd(state.reason)
    })
    this.#watch.fleet.on('reset', ({ agents, seq }) => this.#reset(agents, seq))
    this.#watch.fleet.on('change', ({ event }) => this.#change(event))
    this.#watch.fleet.on('stops', ({ event }) => {
      if (event) this.history.add(event, undefined, this.#totals)
      this.#stopsVersion.value++
      this.#wake()
    })
  }

  get agents(): ReadonlyMap<string, AgentSummary> {
    return this.#known
  }

  /** The holds that stand, by id, oldest first. */
  get holds(): ReadonlyMap<string, Hold> {
    return this.#watch.fleet.holds
  }

  /** The budgets as the newest event or the subscription has them: what is spent since is not in them. */
  get budgets(): ReadonlyMap<string, ProjectBudget> {
    return this.#watch.fleet.budgets
  }

  /** Changes with the holds and the budgets. */
  get stopsVersion(): ReadonlySignal<number> {
    return this.#stopsVersion
  }

  /** The agent's name; for an unknown agent the end of its id. */
  nameOf(agent_id: string): string {
    return this.#known.get(agent_id)?.name ?? `agent ${agent_id.slice(-6)}`
  }

  /** Changes with every change of the project. */
  get version(): ReadonlySignal<number> {
    return this.#version
  }

  /** Changes when older events have been read. */
  get recalled(): ReadonlySignal<number> {
    return this.#recalled
  }

  get state(): ReadonlySignal<LinkState> {
    return this.#state as ReadonlySignal<LinkState>
  }

  /** Whether there is a state to show, also an old one while offline. */
  get isFilled(): boolean {
    return this.#watch.fleet.seq !== undefined
  }

  /** Changes when the project's log has begun again. */
  get epoch(): number | undefined {
    return this.#watch.fleet.epoch
  }

  get seq(): number {
    return this.#watch.fleet.seq ?? 0
  }

  get totals(): Readonly<Totals> {
    return this.#totals
  }

  /** The agents that need attention. */
  get concerns(): ReadonlySignal<Concerns> {
    return this.#concerns
  }

  /** Looks for agents that need attention; called once a second. */
  look(now: number): void {
    if (!this.isFilled) return
    if (this.#lookedAt.seq === this.seq && now - this.#lookedAt.time < LOOK_EVERY_MS) return
    this.#lookedAt = { seq: this.seq, time: now }
    const asked = this.#inbox.byAgent.peek()
    const found = findConcerns(this.#known.values(), now, (id) => asked.get(id)?.[0]?.created_at)
    if (!isSame(found, this.#concerns.peek())) this.#concerns.value = found
  }

  /** Reads the events before the snapshot, once: those of the last hour, up to `MAX_PAGES`. */
  async recall(api: Api): Promise<void> {
    if (this.#isRecalled || !this.isFilled) return
    this.#isRecalled = true
    try {
      let size = PAGE_SIZE
      for (let page = 0; page < MAX_PAGES && this.history.firstSeq > 0; page++) {
        const until = this.history.firstSeq
        const after = Math.max(0, until - size)
        const { epoch } = this.#watch.fleet
        const { data } = await api.events.list(this.project_id, { after, epoch, limit: until - after })
        // A new snapshot may have arrived during the call.
        if (this.history.firstSeq !== until || data.length === 0) return
        // Large events come fewer at a time.
        if (data.at(-1)?.seq !== until) {
          size = data.length
          continue
        }
        this.history.prepend(data.map((event) => completeEvent(event)))
        this.#recalled.value++
        if (Date.parse(data[0]?.at ?? '') < Date.now() - HISTORY_MS) return
      }
    } catch {
      // The log is pruned, or the server unreachable: the charts start with the known events.
    }
  }

  close(): void {
    this.#watch.close()
  }

  #reset(agents: ReadonlyMap<string, AgentSummary>, seq: number): void {
    Object.assign(this.#totals, noTotals())
    const before = new Map(this.#known)
    this.#known.clear()
    this.trees.clear()
    for (const [id, sent] of agents) {
      const agent = completeAgent(sent)
      recollect(agent, before.get(id))
      this.#known.set(id, agent)
      this.trees.add(agent)
      count(this.#totals, agent, 1)
    }
    this.history.begin(this.#totals, seq)
    this.#isRecalled = false
    this.#lookedAt = { seq: -1, time: 0 }
    this.look(Date.now())
    this.#inbox.readSoon()
    this.#wake()
  }

  #change(sent: AgentEventFrame): void {
    const before = this.#known.get(sent.agent.id)
    const event = completeEvent(sent, before)
    const { agent } = event
    recollect(agent, before)
    if (before) count(this.#totals, before, -1)
    count(this.#totals, agent, 1)
    this.#known.set(agent.id, agent)
    this.trees.add(agent)
    this.history.add(event, before, this.#totals)
    if (event.request) this.#inbox.hear(event.request)
    this.#wake()
  }
}

/** With the same concerns, nothing has to be drawn again. */
function isSame(left: Concerns, right: Concerns): boolean {
  if (left.size !== right.size) return false
  for (const [id, { kind, since }] of left) {
    const other = right.get(id)
    if (other?.kind !== kind || other.since !== since) return false
  }
  return true
}

import { computed, effect, signal } from '@preact/signals'
import type { AgentSummary } from '#src/domain/agent.ts'
import { type AgentStatus, agentStatuses } from '#src/domain/lifecycle.ts'
import { arrange, type ColumnName, columnNames, type Filter, type Sort } from './arrange.ts'
import type { ProjectLive } from './project-live.ts'
import { query, replaceQuery } from './route.ts'

/** The order is made anew so often while agents change; a filter or a sort takes effect at once. */
const ARRANGED_EVERY_MS = 500
/** Nothing moves away under a pointer that was moved so recently. */
const HELD_MS = 2_500

/** The list of a project's agents: what is shown of it, in which order, what is selected, and where one is. */
export class FleetList {
  readonly live: ProjectLive
  readonly ids = signal<readonly string[]>([])
  readonly selected = signal<ReadonlySet<string>>(new Set())
  /** The agent that the keyboard is at. */
  readonly active = signal<string | undefined>(undefined)
  readonly filter = computed(
    (): Filter => ({
      statuses: new Set(
        agentStatuses.filter((status) => query.value.get('status')?.split(',').includes(status)),
      ),
      agent_type_id: query.value.get('type') ?? undefined,
      text: query.value.get('q') ?? '',
    }),
  )
  readonly sort = computed((): Sort => {
    const asked = query.value.get('sort') ?? 'name'
    const by = columnNames.find((name) => name === asked.replace(/^-/, ''))
    return { by: by ?? 'name', isReversed: asked.startsWith('-') }
  })
  #held_until = 0
  #arranged_at = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #anchor: string | undefined
  readonly #stops: (() => void)[]

  constructor(live: ProjectLive) {
    this.live = live
    this.#stops = [
      effect(() => {
        void [this.filter.value, this.sort.value]
        this.#arrange()
      }),
      effect(() => {
        void live.version.value
        this.#arrangeSoon()
      }),
    ]
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const stop of this.#stops) stop()
  }

  agent(id: string): AgentSummary | undefined {
    return this.live.agents.get(id)
  }

  hold(): void {
    this.#held_until = Date.now() + HELD_MS
  }

  sortBy(by: ColumnName): void {
    const { by: known, isReversed } = this.sort.peek()
    const sign = known === by && !isReversed ? '-' : ''
    replaceQuery({ sort: `${sign}${by}` })
  }

  toggleStatus(status: AgentStatus): void {
    const statuses = new Set(this.filter.peek().statuses)
    if (!statuses.delete(status)) statuses.add(status)
    replaceQuery({ status: [...statuses].join(',') })
  }

  select(ids: Iterable<string>): void {
    this.selected.value = new Set(ids)
  }

  /** With `isRange`, everything from the last one that was toggled. */
  toggle(id: string, isRange = false): void {
    const next = new Set(this.selected.peek())
    const ids = this.ids.peek()
    const [from, to] = [ids.indexOf(this.#anchor ?? ''), ids.indexOf(id)]
    if (isRange && from >= 0 && to >= 0) {
      for (const other of ids.slice(Math.min(from, to), Math.max(from, to) + 1)) next.add(other)
    } else if (!next.delete(id)) next.add(id)
    this.#anchor = id
    this.active.value = id
    this.selected.value = next
  }

  /** Moves the keyboard's place by so many rows, and says where it is then. */
  move(by: number): number {
    const ids = this.ids.peek()
    const from = ids.indexOf(this.active.peek() ?? '')
    const to = Math.max(0, Math.min(ids.length - 1, from < 0 ? 0 : from + by))
    this.active.value = ids[to]
    return to
  }

  /** What an order is for: the selected ones, or the one that the keyboard is at. */
  get targets(): AgentSummary[] {
    const { active } = this
    const ids = this.selected.value.size > 0 ? this.selected.value : active.value ? [active.value] : []
    return [...ids].map((id) => this.agent(id)).filter((agent) => agent !== undefined)
  }

  #arrangeSoon(): void {
    if (this.#timer !== undefined) return
    const due = Math.max(this.#arranged_at + ARRANGED_EVERY_MS, this.#held_until) - Date.now()
    if (due <= 0) return this.#arrange()
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#arrangeSoon()
    }, due)
  }

  #arrange(): void {
    this.#arranged_at = Date.now()
    const asked = { filter: this.filter.peek(), sort: this.sort.peek() }
    const ids = arrange(this.live.agents.values(), asked, this.#arranged_at).map(({ id }) => id)
    const known = this.ids.peek()
    if (ids.length !== known.length || ids.some((id, index) => id !== known[index])) this.ids.value = ids
  }
}

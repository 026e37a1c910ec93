import { computed, effect, signal } from '@preact/signals'
import type { AgentSummary } from '#src/domain/agent.ts'
import { type AgentStatus, agentStatuses } from '#src/domain/lifecycle.ts'
import { arrange, type ColumnName, columnNames, type Filter, type Sort, startsDescending } from './arrange.ts'
import { type ConcernKind, concernKinds } from './attention.ts'
import type { FleetSource } from './fleet-source.ts'
import { query, replaceQuery } from './route.ts'
import { addLabel, readSearch } from './search.ts'

/** How often the list is sorted again while agents change; a new filter or sort takes effect at once. */
const ARRANGED_EVERY_MS = 500
/** After a move of the pointer, rows keep their places for this long. */
const HELD_MS = 2_500

/** The list of each project as it was left: the page of an agent goes on from it, and a return to the list, too. */
const left = new WeakMap<FleetSource, { ids: readonly string[]; active: string | undefined }>()

/** The agents whose pages were shown since their lists were. */
const visited = new WeakMap<FleetSource, string>()

/** The list then highlights the agent whose page was open last. */
export function noteVisit(live: FleetSource, id: string): void {
  visited.set(live, id)
}

/** The agent before or after this one, in the list as it was shown last. */
export function neighbourOf(live: FleetSource, id: string, by: 1 | -1): string | undefined {
  const ids = left.get(live)?.ids ?? []
  const index = ids.indexOf(id)
  return index < 0 ? undefined : ids[index + by]
}

/** The agent that is highlighted in the list, as it was shown last. */
export function highlightedOf(live: FleetSource): AgentSummary | undefined {
  return live.agents.get(left.get(live)?.active ?? '')
}

/** The list of a project's agents: the shown ids in their order, the selection, and the highlighted agent. */
export class FleetList {
  readonly live: FleetSource
  readonly ids = signal<readonly string[]>([])
  readonly selected = signal<ReadonlySet<string>>(new Set())
  /** The highlighted agent, which keys act on. */
  readonly active = signal<string | undefined>(undefined)
  /** What the search box asks for. */
  readonly search = computed(() => readSearch(query.value.get('q') ?? ''))
  readonly filter = computed(
    (): Filter => ({
      statuses: new Set(
        agentStatuses.filter((status) => query.value.get('status')?.split(',').includes(status)),
      ),
      agent_type_id: query.value.get('type') ?? undefined,
      parent_id: query.value.get('parent') ?? undefined,
      ids: readIds(query.value.get('ids')),
      needs: readNeeds(query.value.get('needs')),
      text: this.search.value.text,
      selector: this.search.value.problem === undefined ? this.search.value.selector : undefined,
    }),
  )
  readonly sort = computed((): Sort => {
    const asked = query.value.get('sort') ?? ''
    const by = columnNames.find((name) => name === asked.replace(/^-/, ''))
    return { by: by ?? 'attention', isDescending: by !== undefined && asked.startsWith('-') }
  })
  /** Whether the user comes from the page of an agent, which the list then shows. */
  readonly isBack: boolean
  #heldUntil = 0
  #arrangedAt = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #anchor: string | undefined
  readonly #stops: (() => void)[]

  constructor(live: FleetSource) {
    this.live = live
    this.active.value = visited.get(live) ?? left.get(live)?.active
    this.isBack = visited.delete(live)
    this.#stops = [
      effect(() => {
        left.set(live, { ids: this.ids.value, active: this.active.value })
      }),
      effect(() => {
        void [this.filter.value, this.sort.value]
        this.#arrange()
      }),
      effect(() => {
        void [live.version.value, live.concerns.value]
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
    this.#heldUntil = Date.now() + HELD_MS
  }

  /** First as the column is mostly asked for, then the other way round, then as without it. */
  sortBy(by: ColumnName | undefined): void {
    if (by === undefined) return replaceQuery({ sort: undefined })
    const { by: known, isDescending } = this.sort.peek()
    const first = startsDescending(by)
    if (known === by && isDescending !== first) return replaceQuery({ sort: undefined })
    const isNext = known === by ? !first : first
    replaceQuery({ sort: `${isNext ? '-' : ''}${by}` })
  }

  /** Shows those that need attention for one more reason, or for one less. */
  toggleNeed(kind: ConcernKind): void {
    const needs = new Set(this.filter.peek().needs)
    const isOnly = needs.size === concernKinds.length
    if (isOnly) needs.clear()
    if (!needs.delete(kind)) needs.add(kind)
    replaceQuery({ needs: needs.size > 0 ? [...needs].join(',') : 'any' })
  }

  toggleNeeds(): void {
    replaceQuery({ needs: this.filter.peek().needs ? undefined : 'any' })
  }

  /** Shows all agents. */
  clearFilters(): void {
    const others = { parent: undefined, ids: undefined, needs: undefined, q: undefined }
    replaceQuery({ status: undefined, type: undefined, ...others })
  }

  /** Whether the list may leave out agents. */
  get isFiltered(): boolean {
    const { statuses, agent_type_id, parent_id, ids, needs } = this.filter.value
    return statuses.size > 0 || Boolean(agent_type_id ?? parent_id ?? ids ?? needs ?? query.value.get('q'))
  }

  toggleStatus(status: AgentStatus): void {
    const statuses = new Set(this.filter.peek().statuses)
    if (!statuses.delete(status)) statuses.add(status)
    replaceQuery({ status: [...statuses].join(',') })
  }

  addLabel(key: string, value: string): void {
    replaceQuery({ q: addLabel(query.peek().get('q') ?? '', key, value) })
  }

  select(ids: Iterable<string>): void {
    this.selected.value = new Set(ids)
  }

  /** With `isRange`, it selects everything from the last toggled agent to this one. */
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

  /** Moves the highlight, and selects what it comes from and what it gets to. */
  extend(by: 1 | -1): number {
    const from = this.active.peek()
    const row = this.move(by)
    const to = this.active.peek()
    this.select([...this.selected.peek(), ...[from, to].filter((id) => id !== undefined)])
    return row
  }

  /** Moves the highlight by this many rows, and returns the index of its row. */
  move(by: number): number {
    const ids = this.ids.peek()
    const at = ids.indexOf(this.active.peek() ?? '')
    // Without a highlight a move down begins above the list.
    const from = at < 0 && by < 0 ? 0 : at
    const to = Math.max(0, Math.min(ids.length - 1, from + by))
    this.active.value = ids[to]
    return to
  }

  /** The agents that a command is for: the selected ones, else the highlighted one. */
  get targets(): AgentSummary[] {
    const { active } = this
    const ids = this.selected.value.size > 0 ? this.selected.value : active.value ? [active.value] : []
    return [...ids].map((id) => this.agent(id)).filter((agent) => agent !== undefined)
  }

  #arrangeSoon(): void {
    if (this.#timer !== undefined) return
    const due = Math.max(this.#arrangedAt + ARRANGED_EVERY_MS, this.#heldUntil) - Date.now()
    if (due <= 0) return this.#arrange()
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#arrangeSoon()
    }, due)
  }

  #arrange(): void {
    this.#arrangedAt = Date.now()
    const asked = {
      filter: this.filter.peek(),
      sort: this.sort.peek(),
      concerns: this.live.concerns.peek(),
    }
    const shownTime = this.live.at?.peek() ?? this.#arrangedAt
    const ids = arrange(this.live.agents.values(), asked, shownTime).map(({ id }) => id)
    const known = this.ids.peek()
    if (ids.length !== known.length || ids.some((id, index) => id !== known[index])) this.ids.value = ids
    this.#keepToShown(new Set(ids))
  }

  /** A command reaches only what the operator sees: hidden agents are neither selected nor highlighted. */
  #keepToShown(shown: ReadonlySet<string>): void {
    const [selected, active] = [this.selected.peek(), this.active.peek()]
    const left = [...selected].filter((id) => shown.has(id))
    if (left.length < selected.size) this.selected.value = new Set(left)
    if (active !== undefined && !shown.has(active)) this.active.value = undefined
  }
}

function readIds(asked: string | null): ReadonlySet<string> | undefined {
  return asked ? new Set(asked.split(',')) : undefined
}

/** Kinds of concerns, or all with `any`. */
function readNeeds(asked: string | null): ReadonlySet<ConcernKind> | undefined {
  if (!asked) return undefined
  const kinds = concernKinds.filter((kind) => asked.split(',').includes(kind))
  return new Set(kinds.length > 0 ? kinds : concernKinds)
}

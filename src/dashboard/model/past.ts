import { computed, signal } from '@preact/signals'
import type { Api } from '#src/client/rest/rest.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { findConcerns, noConcerns } from './attention.ts'
import type { FleetSource } from './fleet-source.ts'
import { completeAgent } from './older.ts'
import type { ProjectLive } from './project-live.ts'
import { query, replaceQuery } from './route.ts'
import { count, noTotals } from './totals.ts'
import { Trees } from './trees.ts'

/** The moment that the page shows, in milliseconds since 1970, as the address says; undefined: now. */
export const moment = computed((): number | undefined => {
  const time = Date.parse(query.value.get('at') ?? '')
  return Number.isNaN(time) ? undefined : time
})

/** Shows a moment, or with undefined the present. */
export function showMoment(ms: number | undefined): void {
  replaceQuery({ at: ms === undefined ? undefined : new Date(ms).toISOString() })
}

/** A link that keeps the moment and the range of the charts. */
export function atMoment(link: string): string {
  const [path = '', filters = ''] = link.split('?')
  const kept = new URLSearchParams(filters)
  for (const name of ['at', 'over']) {
    const value = query.value.get(name)
    if (value && query.value.has('at')) kept.set(name, value)
  }
  const text = kept.toString()
  return `${path}${text && `?${text}`}`
}

const PAGE_SIZE = 5_000
/** More agents than this many pages have are not shown. */
const MAX_PAGES = 12

/** What has been read: the number of the newest event up to the moment, and what the log no longer has. */
export type ReadMoment = { at: number; seq: number; inexact: number; isCut: boolean }

/** A project's agents as they were at a moment, from its event log. */
export class PastFleet implements FleetSource {
  readonly isPast = true
  readonly project_id: string
  readonly #live: ProjectLive
  #agents = new Map<string, AgentSummary>()
  #trees = new Trees()
  #totals = noTotals()
  readonly #version = signal(0)
  readonly #concerns = signal(noConcerns)
  /** The moment of the agents that are shown. */
  readonly at = signal(0)
  #turn = 0

  constructor(live: ProjectLive) {
    this.#live = live
    this.project_id = live.project_id
  }

  get agents() {
    return this.#agents
  }

  get trees() {
    return this.#trees
  }

  get totals() {
    return this.#totals
  }

  get version() {
    return this.#version
  }

  get concerns() {
    return this.#concerns
  }

  /** The reasons of holds and the names of budgets are those of now. */
  get holds() {
    return this.#live.holds
  }

  get budgets() {
    return this.#live.budgets
  }

  get stopsVersion() {
    return this.#live.stopsVersion
  }

  nameOf(agent_id: string): string {
    return this.#agents.get(agent_id)?.name ?? this.#live.nameOf(agent_id)
  }

  /** Reads the agents at a moment. A later call makes the result of an earlier one void. */
  async read(api: Api, at: number): Promise<ReadMoment> {
    this.#turn++
    const turn = this.#turn
    const agents = new Map<string, AgentSummary>()
    const result: ReadMoment = { at, seq: 0, inexact: 0, isCut: false }
    let place: { time: string } | { seq: number; after: string } = { time: new Date(at).toISOString() }
    for (let page = 1; ; page++) {
      const { data, seq, next } = await api.events.agentsAt(this.project_id, { ...place, limit: PAGE_SIZE })
      for (const { agent, is_exact } of data) {
        agents.set(agent.id, completeAgent(agent))
        if (!is_exact) result.inexact++
      }
      result.seq = seq
      result.isCut = next !== null && page === MAX_PAGES
      if (next === null || result.isCut) break
      place = { seq, after: next }
    }
    if (turn === this.#turn) this.#show(agents, at)
    return result
  }

  #show(agents: Map<string, AgentSummary>, at: number): void {
    this.#agents = agents
    this.#trees = new Trees()
    this.#totals = noTotals()
    for (const agent of agents.values()) {
      this.#trees.add(agent)
      count(this.#totals, agent, 1)
    }
    this.#concerns.value = findConcerns(agents.values(), at, () => undefined)
    this.at.value = at
    this.#version.value++
  }
}

import { signal } from '@preact/signals'
import type { Api, EventSearch, EventSearchQuery } from '#src/client/rest/rest.ts'
import { actorKinds } from '#src/domain/actor.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { eventNames } from '#src/domain/events.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import { isOfAgent } from './of-agent.ts'
import { completeEvent } from './older.ts'
import { sayError } from './problems.ts'
import { learnRuntimeKeys } from './runtime-keys.ts'

/** What the log is filtered by; all of it is in the address. */
export type LogFilters = Pick<EventSearchQuery, 'name' | 'agent_id' | 'actor' | 'q'>
/** Where the reader begins: around an event, up to a time, or at the end. */
export type LogStart = { seq?: number | undefined; time?: string | undefined }

export function readFilters(query: URLSearchParams): LogFilters {
  const name = eventNames.find((known) => known === query.get('name'))
  const actor = actorKinds.find((known) => known === query.get('actor'))
  const [agent_id, q] = [query.get('agent'), query.get('q')?.trim()]
  return { ...(name && { name }), ...(actor && { actor }), ...(agent_id && { agent_id }), ...(q && { q }) }
}

export function readStart(query: URLSearchParams): LogStart {
  const seq = Number(query.get('seq') ?? Number.NaN)
  const time = Date.parse(query.get('time') ?? '')
  if (Number.isSafeInteger(seq) && seq > 0) return { seq }
  return Number.isNaN(time) ? {} : { time: new Date(time).toISOString() }
}

/** How many matches one press of a button asks for. A reader can be given another number. */
const WANTED = 100
/** After this many answers without enough matches the reader stops, and says how far it has come. */
const MAX_ANSWERS = 20
/** The page keeps this many events; beyond them, those at the other end are dropped, and can be read again. */
const MAX_KEPT = 3_000
/** Questions about what the filters leave out, after one press of a button; and the events of one answer. */
const MAX_LOOK_UPS = 20
const LOOKED_UP_EVENTS = 20
/** A question that comes too soon after others waits. */
const PATIENCE = { retries: 6, max_wait_ms: 70_000 }

/** `from` to `to`: the numbers that have been looked at; undefined before the first answer. */
export type LogState = {
  events: readonly EventFrame[]
  from: number
  to: number
  oldest_seq: number
  oldest_at: string | null
  last_seq: number
  isReading: boolean
  problem?: string | undefined
}

/** Reads a project's log from a place in both directions, and keeps what matches, oldest first. */
export class LogReader {
  readonly state = signal<LogState | undefined>(undefined)
  readonly problem = signal<string | undefined>(undefined)
  readonly #api: Api
  readonly #project_id: string
  readonly #filters: LogFilters
  readonly #wanted: number
  readonly #befores = new WeakMap<EventFrame, AgentSummary>()
  readonly #lookedUp = new WeakSet<EventFrame>()
  readonly #ending = new AbortController()

  constructor(api: Api, project_id: string, filters: LogFilters, wanted = WANTED) {
    this.#api = api.with({ ...PATIENCE, signal: this.#ending.signal })
    this.#project_id = project_id
    this.#filters = filters
    this.#wanted = wanted
  }

  /** The agent before an event, as far as the page has it. */
  readonly before = (event: EventFrame): AgentSummary | undefined => this.#befores.get(event)

  /** Whether the event is in the list. */
  has(seq: number): boolean {
    return this.state.peek()?.events.some((event) => event.seq === seq) ?? false
  }

  async start({ seq, time }: LogStart): Promise<void> {
    const place =
      seq === undefined ? (time === undefined ? {} : { time }) : { before: seq + this.#wanted / 2 }
    await this.#attempt(async () => {
      this.#add(await this.#ask(place), 'older')
      if (this.state.peek()?.events.length === 0) await this.#read('older')
      if (time !== undefined) await this.#read('newer')
    })
  }

  older(): Promise<void> {
    return this.#attempt(() => this.#read('older'))
  }

  newer(): Promise<void> {
    return this.#attempt(() => this.#read('newer'))
  }

  stop(): void {
    this.#ending.abort()
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    if (this.state.peek()?.isReading) return
    this.problem.value = undefined
    try {
      await work()
      void this.#lookUpBefores().catch(() => {})
    } catch (error) {
      if (this.#ending.signal.aborted) return
      this.problem.value = sayError(error)
    }
    const state = this.state.peek()
    if (state) this.state.value = { ...state, isReading: false }
  }

  async #read(direction: 'older' | 'newer'): Promise<void> {
    let wanted = this.#wanted
    for (let turn = 0; turn < MAX_ANSWERS && wanted > 0; turn++) {
      const state = this.state.peek()
      if (!state) return
      const isOver =
        direction === 'older' ? state.from <= state.oldest_seq : turn > 0 && state.to >= state.last_seq
      if (isOver) return
      this.state.value = { ...state, isReading: true }
      const answer = await this.#ask(direction === 'older' ? { before: state.from } : { after: state.to })
      wanted -= answer.data.length
      this.#add(answer, direction)
    }
  }

  #ask(place: EventSearchQuery): Promise<EventSearch> {
    return this.#api.events.search(this.#project_id, { ...this.#filters, ...place, limit: this.#wanted })
  }

  #add({ data, searched, oldest_seq, oldest_at, last_seq }: EventSearch, direction: 'older' | 'newer'): void {
    const known = this.state.peek()
    const found = data.map((event) => completeEvent(event))
    learnRuntimeKeys(found)
    const all =
      direction === 'older' ? [...found, ...(known?.events ?? [])] : [...(known?.events ?? []), ...found]
    const events = direction === 'older' ? all.slice(0, MAX_KEPT) : all.slice(-MAX_KEPT)
    const isCut = events.length < all.length
    let [from, to] = [known?.from ?? searched.from, known?.to ?? searched.to]
    if (direction === 'older') from = searched.from
    else to = Math.max(to, searched.to)
    if (isCut && direction === 'older') to = events.at(-1)?.seq ?? to
    if (isCut && direction === 'newer') from = events[0]?.seq ?? from
    this.#compare(events)
    this.state.value = {
      events,
      from,
      to,
      oldest_seq,
      oldest_at,
      last_seq,
      isReading: known?.isReading ?? false,
    }
  }

  /** With these filters, events of the same agent may be left out between two that are here. */
  get #isPartial(): boolean {
    const { name, actor, q } = this.#filters
    return Boolean(name || actor || q)
  }

  #compare(events: readonly EventFrame[]): void {
    if (this.#isPartial) return
    for (const [event, before] of pairs(events)) this.#befores.set(event, before)
  }

  /** Reads what the filters leave out, for updates whose words depend on it. */
  async #lookUpBefores(): Promise<void> {
    if (!this.#isPartial) return
    const events = this.state.peek()?.events.filter(isOfAgent).toReversed() ?? []
    const unknown = new Set(
      events.filter((event) => event.name === 'agent.updated' && !this.#lookedUp.has(event)),
    )
    for (let asked = 0; asked < MAX_LOOK_UPS; asked++) {
      const [event] = unknown
      if (!event) return
      const place = { agent_id: event.agent.id, before: event.seq + 1, limit: LOOKED_UP_EVENTS }
      const { data } = await this.#api.events.search(this.#project_id, place)
      const found = new Map(pairs(data.map((own) => completeEvent(own))).map(([{ seq }, own]) => [seq, own]))
      for (const other of unknown) {
        const before = other.agent.id === event.agent.id ? found.get(other.seq) : undefined
        if (before) this.#befores.set(other, before)
        if (!before && other !== event) continue
        this.#lookedUp.add(other)
        unknown.delete(other)
      }
      const state = this.state.peek()
      if (state) this.state.value = { ...state }
    }
  }
}

/** Each event with the agent before it; without those whose agent has no earlier event here. */
function pairs(events: readonly EventFrame[]): [EventFrame, AgentSummary][] {
  const seen = new Map<string, AgentSummary>()
  const found: [EventFrame, AgentSummary][] = []
  for (const event of events.filter(isOfAgent)) {
    const before = seen.get(event.agent.id)
    if (before) found.push([event, before])
    seen.set(event.agent.id, event.agent)
  }
  return found
}

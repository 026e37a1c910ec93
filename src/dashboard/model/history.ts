import type { AgentSummary } from '#src/domain/agent.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import { isOfAgent } from './of-agent.ts'
import { learnRuntimeKeys } from './runtime-keys.ts'
import { type Counts, fromUnits, noCounts, type Totals, toUnits } from './totals.ts'

export const BUCKET_MS = 10_000
export const HISTORY_MS = 60 * 60 * 1_000
/** The feed keeps this many events; older ones only count in the sums. */
export const MAX_EVENTS = 3_000

/** The sums of ten seconds, and the agents by status at their end. */
export type Bucket = { at: number; by_status: Counts; costUnits: number; tokens: number; events: number }

const bucketAt = (time: number) => Math.floor(time / BUCKET_MS) * BUCKET_MS

/** A project's sums for each ten seconds of the last hour, and its newest events, oldest first: in a busy fleet, of minutes. */
export class History {
  readonly #buckets = new Map<number, Bucket>()
  #events: EventFrame[] = []
  readonly #befores = new WeakMap<EventFrame, AgentSummary>()
  /** The state before the first known event. */
  #first: { by_status: Counts; seq: number } = { by_status: noCounts(), seq: 0 }

  get events(): readonly EventFrame[] {
    return this.#events
  }

  /** The agent before an event, as far as it is known here. */
  before(event: EventFrame): AgentSummary | undefined {
    return this.#befores.get(event)
  }

  /** The number of the event before the first known one. */
  get firstSeq(): number {
    return this.#first.seq
  }

  /** The number of the oldest event that is kept here, or of the next one. */
  get firstKept(): number {
    return this.#events[0]?.seq ?? this.#first.seq + 1
  }

  /** A new snapshot: everything before it is forgotten. */
  begin(totals: Totals, seq: number): void {
    this.#buckets.clear()
    this.#events = []
    this.#first = { by_status: { ...totals.by_status }, seq }
  }

  /** Adds the next event, with the sums after it. */
  add(event: EventFrame, before: AgentSummary | undefined, totals: Totals): void {
    const { agent } = event
    learnRuntimeKeys([event])
    const bucket = this.#bucket(Date.parse(event.at))
    bucket.events++
    if (before) this.#befores.set(event, before)
    Object.assign(bucket.by_status, totals.by_status)
    if (agent) {
      bucket.costUnits += toUnits(agent.cost_incurred) - (before ? toUnits(before.cost_incurred) : 0)
      bucket.tokens += agent.tokens_used - (before?.tokens_used ?? 0)
    }
    this.#events.push(event)
    // One slice for many events keeps the cost of one event constant.
    if (this.#events.length > MAX_EVENTS * 1.2) this.#events = this.#events.slice(-MAX_EVENTS)
    this.#forget(bucket.at - HISTORY_MS)
  }

  /**
   * Adds older events, oldest first, up to the first known one. Statuses are counted backwards from there. The usage of an
   * agent before its first event here is unknown, so that event counts as no usage.
   */
  prepend(events: readonly EventFrame[]): void {
    learnRuntimeKeys(events)
    const counts = { ...this.#first.by_status }
    for (const event of events.toReversed()) {
      const bucket = this.#bucket(Date.parse(event.at), counts)
      bucket.events++
      undo(counts, event)
    }
    this.#addUse(events)
    this.#first = { by_status: counts, seq: (events[0]?.seq ?? this.#first.seq + 1) - 1 }
    this.#events = [...events, ...this.#events]
  }

  /** A bucket for each ten seconds up to `now`, for at most an hour. */
  buckets(now: number): Bucket[] {
    const known = [...this.#buckets.keys()].sort((left, right) => left - right)
    const [oldest] = known
    if (oldest === undefined) return []
    const from = Math.max(oldest, bucketAt(now) - HISTORY_MS)
    let by_status = this.#first.by_status
    for (const at of known) if (at < from) by_status = this.#buckets.get(at)?.by_status ?? by_status
    const all: Bucket[] = []
    for (let at = from; at <= bucketAt(now); at += BUCKET_MS) {
      const bucket = this.#buckets.get(at) ?? { at, by_status, costUnits: 0, tokens: 0, events: 0 }
      by_status = bucket.by_status
      all.push(bucket)
    }
    return all
  }

  #bucket(time: number, counts: Counts = noCounts()): Bucket {
    const at = bucketAt(time)
    const known = this.#buckets.get(at)
    if (known) return known
    const bucket = { at, by_status: { ...counts }, costUnits: 0, tokens: 0, events: 0 }
    this.#buckets.set(at, bucket)
    return bucket
  }

  #addUse(events: readonly EventFrame[]): void {
    const seen = new Map<string, AgentSummary>()
    for (const event of events.filter(isOfAgent)) {
      const { agent, at, name } = event
      const before = seen.get(agent.id)
      if (before) this.#befores.set(event, before)
      seen.set(agent.id, agent)
      if (!before && name !== 'agent.spawned') continue
      const bucket = this.#bucket(Date.parse(at))
      bucket.costUnits += toUnits(agent.cost_incurred) - (before ? toUnits(before.cost_incurred) : 0)
      bucket.tokens += agent.tokens_used - (before?.tokens_used ?? 0)
    }
  }

  #forget(before: number): void {
    for (const at of this.#buckets.keys()) {
      if (at >= before) break
      this.#buckets.delete(at)
    }
  }
}

function undo(counts: Counts, { name, agent, from, to }: EventFrame): void {
  if (agent && name === 'agent.spawned') counts[agent.status]--
  else if (from && to) {
    counts[to]--
    counts[from]++
  }
}

/** In buckets: five minutes. */
const RATE_OVER = 30

/** At the rate of the last five minutes. */
export function costAnHour(buckets: readonly Bucket[]): number {
  const last = buckets.slice(-RATE_OVER)
  const units = last.reduce((sum, { costUnits }) => sum + costUnits, 0)
  const hours = (Math.max(1, last.length) * BUCKET_MS) / 3_600_000
  return fromUnits(units) / hours
}

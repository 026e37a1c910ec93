import type { AgentSummary } from '#src/domain/agent.ts'
import type { EventFrame } from '#src/protocol/frames.ts'
import { type Counts, noCounts, type Totals, toUnits } from './totals.ts'

export const BUCKET_MS = 10_000
export const HISTORY_MS = 60 * 60 * 1_000
/** Events that are kept to look at; the sums go on without them. */
export const MAX_EVENTS = 3_000

/** What happened in ten seconds, and how many agents were in each status at their end. */
export type Bucket = { at: number; by_status: Counts; cost_units: number; tokens: number; events: number }

const bucketAt = (time: number) => Math.floor(time / BUCKET_MS) * BUCKET_MS

/** The last hour of a project: sums by ten seconds, and the newest events, oldest first. */
export class History {
  readonly #buckets = new Map<number, Bucket>()
  #events: EventFrame[] = []
  /** The state that everything before the first event was left in. */
  #first: { by_status: Counts; seq: number } = { by_status: noCounts(), seq: 0 }

  get events(): readonly EventFrame[] {
    return this.#events
  }

  /** The number of the last event that is not told here. */
  get first_seq(): number {
    return this.#first.seq
  }

  /** The state is told anew: what lies before it is not known any more. */
  begin(totals: Totals, seq: number): void {
    this.#buckets.clear()
    this.#events = []
    this.#first = { by_status: { ...totals.by_status }, seq }
  }

  /** The next event, with the sums after it. */
  add(event: EventFrame, before: AgentSummary | undefined, totals: Totals): void {
    const { agent } = event
    const bucket = this.#bucket(Date.parse(event.at))
    bucket.events++
    Object.assign(bucket.by_status, totals.by_status)
    bucket.cost_units += toUnits(agent.cost_incurred) - (before ? toUnits(before.cost_incurred) : 0)
    bucket.tokens += agent.tokens_used - (before?.tokens_used ?? 0)
    this.#events.push(event)
    // In one go for many, so that it costs nothing an event.
    if (this.#events.length > MAX_EVENTS * 1.2) this.#events = this.#events.slice(-MAX_EVENTS)
    this.#forget(bucket.at - HISTORY_MS)
  }

  /**
   * Events of before, oldest first, up to the first that is known. Statuses are counted backwards from there; what an
   * agent had used before its first event here is not known, so that event counts as no use.
   */
  prepend(events: readonly EventFrame[]): void {
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

  /** Each ten seconds from the first that is known, at most an hour, up to `now`. */
  buckets(now: number): Bucket[] {
    const known = [...this.#buckets.keys()].sort((left, right) => left - right)
    const [oldest] = known
    if (oldest === undefined) return []
    const from = Math.max(oldest, bucketAt(now) - HISTORY_MS)
    let by_status = this.#first.by_status
    for (const at of known) if (at < from) by_status = this.#buckets.get(at)?.by_status ?? by_status
    const all: Bucket[] = []
    for (let at = from; at <= bucketAt(now); at += BUCKET_MS) {
      const bucket = this.#buckets.get(at) ?? { at, by_status, cost_units: 0, tokens: 0, events: 0 }
      by_status = bucket.by_status
      all.push(bucket)
    }
    return all
  }

  #bucket(time: number, counts: Counts = noCounts()): Bucket {
    const at = bucketAt(time)
    const known = this.#buckets.get(at)
    if (known) return known
    const bucket = { at, by_status: { ...counts }, cost_units: 0, tokens: 0, events: 0 }
    this.#buckets.set(at, bucket)
    return bucket
  }

  #addUse(events: readonly EventFrame[]): void {
    const seen = new Map<string, AgentSummary>()
    for (const { agent, at, name } of events) {
      const before = seen.get(agent.id)
      seen.set(agent.id, agent)
      if (!before && name !== 'agent.spawned') continue
      const bucket = this.#bucket(Date.parse(at))
      bucket.cost_units += toUnits(agent.cost_incurred) - (before ? toUnits(before.cost_incurred) : 0)
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
  if (name === 'agent.spawned') counts[agent.status]--
  else if (from && to) {
    counts[to]--
    counts[from]++
  }
}

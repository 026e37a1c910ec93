import type { Bus } from '#src/bus/bus.ts'
import type { AgentState, Time } from '#src/domain/agent.ts'
import type { Database } from '#src/store/database.ts'
import { isUnavailable } from '#src/store/failures.ts'
import { failed, outsideOfTraces, startChild, traceparentOf } from '#src/tracing/trace.ts'
import { type Settled, type WriteRequest, type Writes, writeBatch } from './write-batch.ts'

type Waiting = { request: WriteRequest; settle: (settled: Settled) => void }

const MAX_JOINED = 64
/** Transactions under way at once; a project is in one at a time, so a blocked one holds up only itself. */
const MAX_UNDER_WAY = 4
/** So long is a transaction let be the only one. Then it is held up, by a lock or the network, and others go ahead. */
const HELD_UP_MS = 10

/**
 * Joins the writers of one process: while a transaction is under way, the next requests gather and go as one.
 * Nobody waits on purpose, and each request gets its own answer or its own error.
 */
export class WriteQueue implements Writes {
  readonly #database: Database
  readonly #bus: Bus
  readonly #clock: () => Time
  /** By project, in the order in which they came; a project that is under way is in `#busy`. */
  readonly #waiting = new Map<string, Waiting[]>()
  readonly #busy = new Set<string>()
  #underWay = 0
  #lastBegun = 0
  #timer: NodeJS.Timeout | undefined
  /** Transactions begun, and requests in them: for metrics. */
  readonly counts = { batches: 0, requests: 0 }

  constructor(database: Database, bus: Bus, clock: () => Time) {
    this.#database = database
    this.#bus = bus
    this.#clock = clock
  }

  /** One change or spawn, committed with its event. Rejects with its refusal, or the database's failure. */
  submit(request: WriteRequest): Promise<AgentState> {
    return new Promise((resolve, reject) => {
      // Its span, from here to the commit: that of the transaction would be in the traces of many.
      const span = startChild('transaction')
      const settle = (settled: Settled) => {
        if (span && 'error' in settled) failed(span, settled.error)
        span?.end()
        if ('error' in settled) reject(settled.error)
        else resolve(settled.agent)
      }
      const waiting = { request: span ? { ...request, traceparent: traceparentOf(span) } : request, settle }
      const queue = this.#waiting.get(request.project_id)
      if (queue) queue.push(waiting)
      else this.#waiting.set(request.project_id, [waiting])
      outsideOfTraces(() => this.#next())
    })
  }

  /** Requests that wait for their transaction to begin. */
  get depth(): number {
    return [...this.#waiting.values()].reduce((sum, queue) => sum + queue.length, 0)
  }

  #next(): void {
    while (this.#mayBegin()) {
      const batch = this.#take()
      if (batch.length === 0) return
      const projects = new Set(batch.map(({ request }) => request.project_id))
      for (const id of projects) this.#busy.add(id)
      this.#underWay++
      this.counts.batches++
      this.counts.requests += batch.length
      this.#lastBegun = performance.now()
      void this.#process(batch).finally(() => {
        this.#underWay--
        for (const id of projects) this.#busy.delete(id)
        this.#next()
      })
    }
  }

  /** One at a time, as long as they are quick: the more join one, the less each costs. */
  #mayBegin(): boolean {
    if (this.#underWay === 0) return true
    if (this.#underWay >= MAX_UNDER_WAY || this.#waiting.size === 0) return false
    const left = this.#lastBegun + HELD_UP_MS - performance.now()
    if (left <= 0) return true
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#next()
    }, left)
    return false
  }

  #take(): Waiting[] {
    const batch: Waiting[] = []
    for (const [project_id, queue] of this.#waiting) {
      if (batch.length >= MAX_JOINED) break
      if (this.#busy.has(project_id)) continue
      batch.push(...queue.splice(0, MAX_JOINED - batch.length))
      if (queue.length === 0) this.#waiting.delete(project_id)
    }
    return batch
  }

  async #process(batch: readonly Waiting[]): Promise<void> {
    try {
      const settled = await this.#commit(batch.map(({ request }) => request))
      batch.forEach(({ settle }, index) => {
        settle(settled[index] as Settled)
      })
    } catch (error) {
      // The database refused the whole: alone, each gets what is its own. Nothing of it was committed,
      // unless the connection broke, and then there is nobody to ask again.
      if (batch.length === 1 || isUnavailable(error)) {
        for (const { settle } of batch) settle({ error })
      } else for (const one of batch) await this.#process([one])
    }
  }

  async #commit(requests: readonly WriteRequest[]): Promise<Settled[]> {
    const { settled, events } = await this.#database.transaction((sql) =>
      writeBatch(sql, requests, this.#clock()),
    )
    for (const event of events) this.#bus.publish(event)
    return settled
  }
}

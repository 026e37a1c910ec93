import type { Bus } from '#src/bus/bus.ts'
import type { AgentState } from '#src/domain/agent.ts'
import type { Time } from '#src/domain/time.ts'
import type { Database } from '#src/store/database.ts'
import { isLockTimeout, isRetryable, isUnavailable, lockedOut } from '#src/store/failures.ts'
import { failed, outsideOfTraces, startChild, traceparentOf } from '#src/tracing/trace.ts'
import { HELD_UP_MS, LOCK_WAIT_MS, MAX_JOINED, MAX_UNDER_WAY, QUICK_LOCK_MS } from './bounds.ts'
import { commit } from './commit.ts'
import type { ProjectTurns } from './project-turns.ts'
import { type Settled, type WriteRequest, type Writes, writeBatch } from './write-batch.ts'

export type QueueParts = { database: Database; bus: Bus; clock: () => Time; turns: ProjectTurns }

type Answer = Exclude<Settled, { moved: true }>
/** `since`: by `performance.now()`. */
type Waiting = { request: WriteRequest; since: number; settle: (settled: Answer) => void }
/**
 * A project shares transactions until one of them misses its locks. Then it gets a transaction alone, and if that misses the
 * locks, too, it waits patiently, without holding up others. After a commit it shares transactions again.
 */
type Caution = 'alone' | 'patient'

/**
 * Joins the writers of one process: while a transaction runs, the next requests gather and then share one. No request
 * waits on purpose, and each gets its own answer or error. Projects take turns.
 */
export class WriteQueue implements Writes {
  readonly #parts: QueueParts
  /** By project, the next one first. The projects of running transactions are in `#busy`. */
  readonly #waiting = new Map<string, Waiting[]>()
  readonly #busy = new Set<string>()
  readonly #cautions = new Map<string, Caution>()
  #underWay = 0
  #lastBegun = 0
  #timer: NodeJS.Timeout | undefined
  /** Transactions begun, and requests in them: for metrics. */
  readonly counts = { batches: 0, requests: 0 }

  constructor(parts: QueueParts) {
    this.#parts = parts
  }

  /** One change or spawn, committed with its event. Rejects with its refusal, or the database's failure. */
  submit(request: WriteRequest): Promise<AgentState> {
    return new Promise((resolve, reject) => {
      // A span of this request, from here to the commit; the transaction itself may belong to many traces.
      const span = startChild('transaction')
      const settle = (settled: Answer) => {
        if (span && 'error' in settled) failed(span, settled.error)
        span?.end()
        if ('error' in settled) reject(settled.error)
        else resolve(settled.agent)
      }
      const traced = span ? { ...request, traceparent: traceparentOf(span) } : request
      const waiting = { request: traced, since: performance.now(), settle }
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
      const batch = this.#takeJoined()
      if (batch.length === 0) return
      const projects = projectsOf(batch)
      for (const id of projects) this.#busy.add(id)
      this.#underWay++
      this.#lastBegun = performance.now()
      void this.#process(batch, projects).finally(() => {
        this.#underWay--
        for (const id of projects) this.#busy.delete(id)
        this.#next()
      })
    }
  }

  /** Takes none of the places that other projects' transactions need. */
  #waitPatiently(project_id: string, since: number): void {
    this.#busy.add(project_id)
    const attempt = async (lock_timeout_ms: number) => {
      const batch = this.#take(project_id, MAX_JOINED)
      try {
        await this.#commit(batch, lock_timeout_ms)
        this.#cautions.delete(project_id)
      } catch (error) {
        if (!isLockTimeout(error)) this.#cautions.delete(project_id)
        await this.#fail(batch, error)
      }
    }
    void this.#parts.turns.waitPatiently(project_id, since, attempt).finally(() => {
      this.#busy.delete(project_id)
      this.#next()
    })
  }

  /** One transaction at a time while they are quick: the more requests share one, the less each costs. */
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

  #takeJoined(): Waiting[] {
    const batch: Waiting[] = []
    for (const [project_id, [first]] of [...this.#waiting]) {
      if (batch.length >= MAX_JOINED) break
      if (this.#busy.has(project_id) || !first) continue
      const caution = this.#cautions.get(project_id)
      if (caution === 'patient') {
        this.#waitPatiently(project_id, first.since)
        continue
      }
      if (caution === 'alone' && batch.length > 0) continue
      batch.push(...this.#take(project_id, MAX_JOINED - batch.length))
      if (caution === 'alone') break
    }
    return batch
  }

  /** Takes the oldest requests of a project, which then queues behind the others. */
  #take(project_id: string, limit: number): Waiting[] {
    const queue = this.#waiting.get(project_id) ?? []
    const taken = queue.splice(0, limit)
    this.#waiting.delete(project_id)
    if (queue.length > 0) this.#waiting.set(project_id, queue)
    return taken
  }

  async #process(batch: readonly Waiting[], projects: ReadonlySet<string>): Promise<void> {
    try {
      await this.#commit(batch, QUICK_LOCK_MS)
      for (const id of projects) this.#cautions.delete(id)
    } catch (error) {
      const isHeldUp = isLockTimeout(error) || (isRetryable(error) && projects.size > 1)
      if (!isHeldUp) return this.#fail(batch, error)
      for (const id of projects) this.#cautions.set(id, projects.size > 1 ? 'alone' : 'patient')
      this.#putBack(batch)
    }
  }

  #putBack(batch: readonly Waiting[]): void {
    for (const [project_id, requests] of Map.groupBy(batch, ({ request }) => request.project_id)) {
      this.#waiting.set(project_id, [...requests, ...(this.#waiting.get(project_id) ?? [])])
    }
  }

  /**
   * The database refused the whole batch, so each request is tried alone and gets its own error. If the connection broke,
   * the commit may have happened, so nothing is tried again.
   */
  async #fail(batch: readonly Waiting[], error: unknown): Promise<void> {
    const [first, ...others] = batch
    if (!first) return
    if (others.length === 0 || isUnavailable(error)) {
      for (const { settle } of batch) settle({ error })
      return
    }
    for (const one of batch) {
      await this.#commit([one], QUICK_LOCK_MS).catch((error: unknown) => {
        if (isLockTimeout(error)) this.#putBack([one])
        else one.settle({ error })
      })
    }
  }

  async #commit(batch: readonly Waiting[], lock_timeout_ms: number): Promise<void> {
    this.counts.batches++
    this.counts.requests += batch.length
    const requests = batch.map(({ request }) => request)
    const settled = await commit(this.#parts, (work) => writeBatch(work, requests), { lock_timeout_ms })
    const again: Waiting[] = []
    batch.forEach((waiting, index) => {
      const own = settled[index] as Settled
      if (!('moved' in own)) waiting.settle(own)
      else if (performance.now() - waiting.since < LOCK_WAIT_MS) again.push(waiting)
      else waiting.settle({ error: lockedOut() })
    })
    // Whoever has their names now has got on, so this comes to an end.
    this.#putBack(again)
  }
}

const projectsOf = (batch: readonly Waiting[]) => new Set(batch.map(({ request }) => request.project_id))

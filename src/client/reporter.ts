import type { AgentStatus } from '#src/domain/lifecycle.ts'
import type { ServerMessage } from '#src/protocol/frames.ts'
import { RefusedError } from './errors.ts'
import { type NumberedReport, type Report, ReportQueue } from './report-queue.ts'
import type { Reply } from './socket.ts'

/** What became of a report, once the server has committed it. */
export type Reported = {
  status: AgentStatus
  /** The number of the event that tells of it. */
  seq: number
  /** Why the agent could not take the status; the rest was applied. */
  status_rejected?: string | undefined
}

type Waiter = PromiseWithResolvers<Reported>
type Answer = Extract<ServerMessage, { type: 'reported' }>
type Refusal = Extract<ServerMessage, { type: 'error' }>
type Send = (report: NumberedReport, onReply: Reply) => void

/** An agent sends at most one report in so many milliseconds; what is reported meanwhile is joined. */
const REPORT_EVERY_MS = 1_000

/** Refusals of the report itself; after any other it is sent again. */
const isWrong = ({ code }: Refusal) => code === 'VAL_001' || code === 'VAL_006'

/** Brings the reports of one agent to the server, one at a time, through disconnects. */
export class Reporter {
  readonly #send: Send
  readonly #queue: ReportQueue<Waiter>
  readonly #onAnswer: (answer: Answer) => void
  #timer: ReturnType<typeof setTimeout> | undefined
  /** By the clock of `performance`. */
  #notBefore = 0
  /**
   * `broken` from the start, and from `interrupt` to `resume`: nothing is taken from the queue then, since what has a
   * number and is not sent is lost as a duplicate when another runtime uses that number meanwhile.
   */
  #line: 'broken' | 'free' | 'busy' = 'broken'
  #isHurried = false
  #idle: PromiseWithResolvers<void> | undefined

  constructor(status: AgentStatus, send: Send, onAnswer: (answer: Answer) => void) {
    this.#queue = new ReportQueue(status)
    this.#send = send
    this.#onAnswer = onAnswer
  }

  /** Resolves when it is committed. Throws a RangeError for what the server could not take. */
  report(report: Report): Promise<Reported> {
    const waiter = Promise.withResolvers<Reported>()
    this.#queue.add(report, waiter)
    // Whoever doesn't wait for it need not handle it.
    waiter.promise.catch(() => {})
    this.#schedule()
    return waiter.promise
  }

  /** The agent is attached, for the first time or again: what was under way goes out again, with its number. */
  resume(last_report: number, status: AgentStatus): void {
    this.#queue.resume(last_report, status)
    this.#line = 'free'
    this.#schedule()
  }

  /** The agent is attached no more: replies to what was sent will not come. */
  interrupt(): void {
    this.#line = 'broken'
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Sends what waits without delay. Resolves when all is committed. */
  flush(): Promise<void> {
    this.#isHurried = true
    this.#notBefore = 0
    if (this.#queue.isEmpty) return Promise.resolve()
    this.#idle ??= Promise.withResolvers()
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#schedule()
    return this.#idle.promise
  }

  /** Nothing more can be reported. */
  end(error: Error): void {
    this.interrupt()
    for (const waiter of this.#queue.clear()) waiter.reject(error)
    this.#idle?.resolve()
  }

  #schedule(): void {
    if (this.#line !== 'free' || this.#timer !== undefined || this.#queue.isEmpty) return
    this.#timer = setTimeout(() => this.#next(), Math.max(0, this.#notBefore - performance.now()))
  }

  #next(): void {
    this.#timer = undefined
    const report = this.#queue.take()
    if (!report) return
    try {
      this.#send(report, (reply) => this.#answered(reply))
      this.#line = 'busy'
      if (!this.#isHurried) this.#wait()
    } catch (error) {
      this.#refused(error as Error, false)
    }
  }

  #answered(reply: ServerMessage): void {
    this.#line = 'free'
    if (reply.type === 'reported') {
      const { status, seq, status_rejected } = reply
      for (const waiter of this.#queue.applied(status)) waiter.resolve({ status, seq, status_rejected })
      this.#onAnswer(reply)
    } else if (reply.type === 'error' && isWrong(reply)) {
      return this.#refused(new RefusedError(reply), reply.field?.startsWith('usage') ?? false)
    } else this.#wait()
    this.#settle()
  }

  #wait(): void {
    this.#notBefore = performance.now() + REPORT_EVERY_MS
  }

  #refused(error: Error, isUsageToBlame: boolean): void {
    for (const waiter of this.#queue.refused(isUsageToBlame)) waiter.reject(error)
    this.#settle()
  }

  #settle(): void {
    if (this.#queue.isEmpty) this.#idle?.resolve()
    else this.#schedule()
  }
}

import { RefusedError } from '#src/client/connection/errors.ts'
import type { Reply } from '#src/client/connection/socket.ts'
import type { AgentStatus } from '#src/domain/lifecycle.ts'
import type { ServerMessage } from '#src/protocol/messages/down.ts'
import { type NumberedReport, type Report, ReportQueue } from './report-queue.ts'

/** The result of a report that the server has committed. */
export type Reported = {
  status: AgentStatus
  /** The number of its event. */
  seq: number
  /** Why the agent could not take the status; the other fields were applied. */
  status_rejected?: string | undefined
}

type Waiter = PromiseWithResolvers<Reported>
type Answer = Extract<ServerMessage, { type: 'reported' }>
type Refusal = Extract<ServerMessage, { type: 'error' }>
type Send = (report: NumberedReport, onReply: Reply) => void

/** An agent sends at most one report in this time; reports in between are joined. */
const REPORT_EVERY_MS = 1_000

/** The report itself is wrong; after any other refusal it is sent again. */
const isWrong = ({ code }: Refusal) => code === 'VAL_001' || code === 'VAL_006'

/** Brings the reports of one agent to the server, one at a time, through disconnects. */
export class Reporter {
  readonly #send: Send
  readonly #queue: ReportQueue<Waiter>
  readonly #onAnswer: (answer: Answer) => void
  #timer: ReturnType<typeof setTimeout> | undefined
  /** On the clock of `performance`. */
  #notBefore = 0
  /**
   * `broken` from the start, and from `interrupt` to `resume`: then no report is taken from the queue, since one with a
   * number that is not sent would be lost as a duplicate if another runtime used that number.
   */
  #line: 'broken' | 'free' | 'busy' = 'broken'
  /** While it is above 0, reports are sent without delay. */
  #hurries = 0
  /** Settled with the newest report. */
  #newest: Promise<unknown> = Promise.resolve()
  #idle: PromiseWithResolvers<void> | undefined

  constructor(status: AgentStatus, send: Send, onAnswer: (answer: Answer) => void) {
    this.#queue = new ReportQueue(status)
    this.#send = send
    this.#onAnswer = onAnswer
  }

  /** Resolves when the server has committed it. Throws a RangeError for a report that the server could not take. */
  report(report: Report): Promise<Reported> {
    const waiter = Promise.withResolvers<Reported>()
    this.#queue.add(report, waiter)
    // A caller that does not await the result need not handle its rejection.
    this.#newest = waiter.promise.catch(() => {})
    this.#schedule()
    return waiter.promise
  }

  /** The agent is attached, for the first time or again: the report under way is sent again, with its number. */
  resume(last_report: number, status: AgentStatus): void {
    this.#queue.resume(last_report, status)
    this.#line = 'free'
    this.#schedule()
  }

  /** Another agent than before is attached: what waits is reported for it. */
  turn(): void {
    this.#queue.turn()
  }

  /** The agent is not attached any more, so no replies will come. */
  interrupt(): void {
    this.#line = 'broken'
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Sends waiting and later reports without delay. Resolves when the server has committed all of them. */
  flush(): Promise<void> {
    this.#hurry()
    if (this.#queue.isEmpty) return Promise.resolve()
    this.#idle ??= Promise.withResolvers()
    return this.#idle.promise
  }

  /** Sends what was reported so far without delay. Resolves when the server has committed or refused it. */
  async hurry(): Promise<void> {
    if (this.#queue.isEmpty) return
    this.#hurry()
    await this.#newest
    this.#hurries--
  }

  /** Rejects everything that waits; no more reports are possible. */
  end(error: Error): void {
    this.interrupt()
    for (const waiter of this.#queue.clear()) waiter.reject(error)
    this.#idle?.resolve()
  }

  #hurry(): void {
    this.#hurries++
    this.#notBefore = 0
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#schedule()
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
      if (this.#hurries === 0) this.#wait()
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

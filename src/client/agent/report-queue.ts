import { type AgentStatus, canTransition } from '#src/domain/lifecycle.ts'
import { addUsage, type Carried, type Counted, toCounted, type Usage } from './usage.ts'

type Fields = {
  status?: AgentStatus | undefined
  current_task?: string | null | undefined
  session_id?: string | null | undefined
  /** Replaces the whole memory. */
  short_term_memory?: Record<string, unknown> | undefined
}

/** A runtime's report on its agent. `usage` is the usage since the last report, in all or as a list of up to 16 models. */
export type Report = Fields & { usage?: Usage | readonly Usage[] | undefined }

/** One report as it is sent; a repeat has the same number. */
export type NumberedReport = Fields & { n: number; usage?: Counted | Counted[] | undefined }

type Entry<Waiter> = { fields: Fields; usage: readonly Counted[] | undefined; waiters: Waiter[] }

/** Frames that may wait; one more throws a RangeError. Only reports that cannot be joined fill the queue. */
const MAX_WAITING = 16

/**
 * The reports of one agent on their way. Reports that are added while one is under way are joined into as few frames as
 * possible: usage is summed model by model, and the newest value of a field counts. A status is skipped only where the lifecycle allows
 * the agent to go without it. The queue has no clock and no socket.
 */
export class ReportQueue<Waiter> {
  #current: (Entry<Waiter> & { n: number }) | undefined
  #waiting: Entry<Waiter>[] = []
  #lastN = 0
  /** Cost that is too small to report yet. */
  #carried: Carried = new Map()
  /** The newest status from the server. */
  #status: AgentStatus

  constructor(status: AgentStatus) {
    this.#status = status
  }

  get isEmpty(): boolean {
    return !this.#current && this.#waiting.length === 0
  }

  /** Throws a RangeError for invalid usage, and for one report too many. */
  add({ usage, ...fields }: Report, waiter: Waiter): void {
    const used = usage && toCounted(usage, this.#carried)
    this.#waiting.push({ fields, usage: used?.counted, waiters: [waiter] })
    while (this.#joinLast()) {}
    if (this.#waiting.length > MAX_WAITING) {
      this.#waiting.pop()
      throw new RangeError('Too many reports are waiting for the server: await some of them')
    }
    this.#carried = used?.carried ?? this.#carried
  }

  /** The agent is attached: numbers continue after the last one that the server applied. */
  resume(last_report: number, status: AgentStatus): void {
    this.#lastN = Math.max(this.#lastN, last_report)
    this.#status = status
  }

  /** The report to send now: the one under way, if there is one, else the next, which gets its number. */
  take(): NumberedReport | undefined {
    if (!this.#current) {
      const next = this.#waiting.shift()
      if (!next) return undefined
      this.#current = { ...next, n: ++this.#lastN }
    }
    const { n, fields, usage } = this.#current
    return { ...fields, n, ...toWire(usage) }
  }

  /** The server has applied the report under way. */
  applied(status: AgentStatus): Waiter[] {
    this.#status = status
    return this.#letGo()
  }

  /**
   * The server has refused the report under way. Usage that was not the reason is sent again alone, under a new number,
   * since another runtime may have used this one.
   */
  refused(isUsageToBlame: boolean): Waiter[] {
    const entry = this.#current
    const waiters = this.#letGo()
    if (entry?.usage && !isUsageToBlame) {
      this.#waiting.unshift({ fields: {}, usage: entry.usage, waiters: [] })
    }
    return waiters
  }

  /**
   * The reports go to another agent from now on. Usage under way may count for the one before, so it is not sent again.
   */
  turn(): void {
    const entry = this.#current
    this.#current = undefined
    if (entry) this.#waiting.unshift({ fields: entry.fields, usage: undefined, waiters: entry.waiters })
  }

  /** Drops everything, since nothing more will be sent. */
  clear(): Waiter[] {
    const waiting = this.#waiting.flatMap(({ waiters }) => waiters)
    this.#waiting = []
    return [...this.#letGo(), ...waiting]
  }

  #joinLast(): boolean {
    const [earlier, later] = this.#waiting.slice(-2)
    const joined = earlier && later && join(earlier, later, this.#statusBefore(earlier))
    if (joined) this.#waiting.splice(-2, 2, joined)
    return joined !== undefined
  }

  #letGo(): Waiter[] {
    const waiters = this.#current?.waiters ?? []
    this.#current = undefined
    return waiters
  }

  #statusBefore(entry: Entry<Waiter>): AgentStatus {
    const before = [
      ...(this.#current ? [this.#current] : []),
      ...this.#waiting.slice(0, this.#waiting.indexOf(entry)),
    ]
    return before.findLast(({ fields }) => fields.status)?.fields.status ?? this.#status
  }
}

/** A server of an earlier release knows no lists. */
function toWire(usage: readonly Counted[] = []): Pick<NumberedReport, 'usage'> {
  const [first, ...others] = usage
  return first ? { usage: others.length > 0 ? [first, ...others] : first } : {}
}

/** Both reports as one, or undefined where that would have another meaning. */
function join<Waiter>(
  earlier: Entry<Waiter>,
  later: Entry<Waiter>,
  before: AgentStatus,
): Entry<Waiter> | undefined {
  const given = Object.entries(later.fields).filter(([, value]) => value !== undefined)
  // After `terminated` only usage counts; the server refuses every other field.
  if (before !== 'terminated' && earlier.fields.status === 'terminated' && given.length > 0) return undefined
  if (!canPassOver(earlier.fields.status, later.fields.status, before)) return undefined
  const usage =
    earlier.usage && later.usage ? addUsage(earlier.usage, later.usage) : (later.usage ?? earlier.usage)
  if (earlier.usage && !usage) return undefined
  const fields: Fields = { ...earlier.fields, ...Object.fromEntries(given) }
  // The end keeps the task that its own report states, and clears that of an earlier one.
  const isEnd = before !== 'terminated' && later.fields.status === 'terminated'
  if (isEnd && later.fields.current_task === undefined) delete fields.current_task
  return { fields, usage, waiters: [...earlier.waiters, ...later.waiters] }
}

/** Whether reporting `to` alone has the same result as `from` and then `to`. A paused agent only takes its end. */
function canPassOver(
  from: AgentStatus | undefined,
  to: AgentStatus | undefined,
  before: AgentStatus,
): boolean {
  if (from === undefined || to === undefined || from === to) return true
  if (before === 'terminated' || before === 'paused') return true
  if (from === 'paused') return to === 'terminated'
  return canTransition(from, to) && (before === to || canTransition(before, to))
}

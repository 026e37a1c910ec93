import { type AgentStatus, canTransition } from '#src/domain/lifecycle.ts'
import { addUsage, type Counted, toCounted, type Usage } from './usage.ts'

type Fields = {
  status?: AgentStatus | undefined
  current_task?: string | null | undefined
  session_id?: string | null | undefined
  /** Replaces the whole. */
  short_term_memory?: Record<string, unknown> | undefined
}

/** What a runtime says of its agent. `usage` is what was used since the last report. */
export type Report = Fields & { usage?: Usage | undefined }

/** One report as it is sent: as often as it takes, always under the same number. */
export type NumberedReport = Fields & { n: number; usage?: Counted | undefined }

type Entry<Waiter> = { fields: Fields; usage: Counted | undefined; waiters: Waiter[] }

/** Frames that wait for their turn. More are only needed where nothing can be joined, so then it is too many. */
const MAX_WAITING = 16

/**
 * The reports of one agent on their way. What is added while one is under way is joined into as few frames as say the
 * same: usage is summed, a field's newest value stands. A status is passed over only where the lifecycle lets the agent
 * go without it. Knows no clock and no socket.
 */
export class ReportQueue<Waiter> {
  #flying: (Entry<Waiter> & { n: number }) | undefined
  #waiting: Entry<Waiter>[] = []
  #last_n = 0
  /** Cost too small to be told yet, in trillionths. */
  #carried = 0n
  /** What the server has said last. */
  #status: AgentStatus

  constructor(status: AgentStatus) {
    this.#status = status
  }

  get isEmpty(): boolean {
    return !this.#flying && this.#waiting.length === 0
  }

  /** Throws a RangeError for usage that can't be, and where too much waits already. */
  add({ usage, ...fields }: Report, waiter: Waiter): void {
    const used = usage && toCounted(usage, this.#carried)
    this.#waiting.push({ fields, usage: used?.counted, waiters: [waiter] })
    while (this.#joinLast()) {}
    if (this.#waiting.length > MAX_WAITING) {
      this.#waiting.pop()
      throw new RangeError('Too many reports wait for the server')
    }
    this.#carried = used?.carried ?? this.#carried
  }

  /** The agent is attached: numbers go on after the last one that was applied. */
  resume(last_report: number, status: AgentStatus): void {
    this.#last_n = Math.max(this.#last_n, last_report)
    this.#status = status
  }

  /** What to send at once: the one under way, if there is one, else the next, which has its number from then on. */
  take(): NumberedReport | undefined {
    if (!this.#flying) {
      const next = this.#waiting.shift()
      if (!next) return undefined
      this.#flying = { ...next, n: ++this.#last_n }
    }
    const { n, fields, usage } = this.#flying
    return { ...fields, n, ...(usage && { usage }) }
  }

  /** The one under way was applied. */
  applied(status: AgentStatus): Waiter[] {
    this.#status = status
    return this.#letGo()
  }

  /**
   * The one under way was refused. Usage that was not to blame stays: it goes out alone, under a number of its own, since
   * another runtime may have used this one.
   */
  refused(isUsageToBlame: boolean): Waiter[] {
    const entry = this.#flying
    const waiters = this.#letGo()
    if (entry?.usage && !isUsageToBlame) {
      this.#waiting.unshift({ fields: {}, usage: entry.usage, waiters: [] })
    }
    return waiters
  }

  /** Nothing more will be sent. */
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
    const waiters = this.#flying?.waiters ?? []
    this.#flying = undefined
    return waiters
  }

  #statusBefore(entry: Entry<Waiter>): AgentStatus {
    const before = [
      ...(this.#flying ? [this.#flying] : []),
      ...this.#waiting.slice(0, this.#waiting.indexOf(entry)),
    ]
    return before.findLast(({ fields }) => fields.status)?.fields.status ?? this.#status
  }
}

/** Both in one, or undefined where that would say something else. */
function join<Waiter>(
  earlier: Entry<Waiter>,
  later: Entry<Waiter>,
  before: AgentStatus,
): Entry<Waiter> | undefined {
  const told = Object.entries(later.fields).filter(([, value]) => value !== undefined)
  // The end is the last that is said, but for usage. What is said after it is refused together.
  if (before !== 'terminated' && earlier.fields.status === 'terminated' && told.length > 0) return undefined
  if (!canPassOver(earlier.fields.status, later.fields.status, before)) return undefined
  const usage =
    earlier.usage && later.usage ? addUsage(earlier.usage, later.usage) : (later.usage ?? earlier.usage)
  if (earlier.usage && !usage) return undefined
  const fields: Fields = { ...earlier.fields, ...Object.fromEntries(told) }
  return { fields, usage, waiters: [...earlier.waiters, ...later.waiters] }
}

/** Whether saying `to` alone comes to the same as saying `from` first. What is paused takes nothing but its end. */
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

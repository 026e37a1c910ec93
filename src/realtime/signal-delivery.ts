import { noteDeliveries, noteOverdue } from '#src/commands/runtime.ts'
import type { Writes } from '#src/commands/write-batch.ts'
import type { SignalKind, SignalRecord } from '#src/domain/signal.ts'
import type { Database } from '#src/store/database.ts'
import { readLeases } from '#src/store/replicas.ts'
import { readOpenSignals, readSignals } from '#src/store/signals.ts'
import type { Hub } from './hub.ts'
import type { Link } from './link.ts'

const RESEND_CHECK_MS = 1_000
const RESENDS_A_READ = 256
/** Links that one read catches up, and signals of each: their payloads are in memory meanwhile. */
const LINKS_A_READ = 64
const SIGNALS_A_PAGE = 16

export type DeliveryParts = { database: Database; writes: Writes; hub: Pick<Hub, 'nextTailCheck'> }

const none = (): Record<SignalKind, number> => ({ pause: 0, resume: 0, terminate: 0, message: 0 })

/** Brings signals to the links of this process: what events miss, what is not acknowledged, and the notes of it. */
export class SignalDelivery {
  readonly #parts: DeliveryParts
  readonly #links: ReadonlyMap<string, Link>
  readonly #onStale: (link: Link, lease: number | undefined) => Promise<void> | void
  readonly #timer: NodeJS.Timeout
  readonly #behind = new Set<Link>()
  readonly #unnoted = new Set<Link>()
  /** By kind, for metrics; what is sent again counts in both. */
  readonly counts = { sent: none(), resent: none() }
  #isReading = false
  #isResending = false

  /** `onStale`: a link that turned out not to have its agent's lease; undefined: there is no such agent. */
  constructor(
    parts: DeliveryParts,
    links: ReadonlyMap<string, Link>,
    onStale: (link: Link, lease: number | undefined) => Promise<void> | void,
  ) {
    this.#parts = parts
    this.#links = links
    this.#onStale = onStale
    this.#timer = setInterval(() => void this.#resend(), RESEND_CHECK_MS)
  }

  /** Reads from the database what a link has yet to send, and whether it is still the newest. */
  catchUp(link: Link): void {
    // A socket that closes counts as drained at once, and would be asked for ever.
    if (link.hasEnded || !link.outlet.isOpen) return
    link.isBehind = true
    this.#behind.add(link)
    if (this.#isReading) return
    this.#isReading = true
    // Those of one turn are read together.
    setImmediate(() => void this.#readAll())
  }

  /** Ends in one step with the last look at who is behind: whoever comes after it begins anew. */
  async #readAll(): Promise<void> {
    while (this.#behind.size > 0) {
      const links = [...this.#behind].slice(0, LINKS_A_READ)
      for (const link of links) this.#behind.delete(link)
      try {
        await this.#read(links.filter((link) => !this.#waitForSocket(link)))
      } catch {
        // The database does not answer: nothing is lost, it is asked again by and by.
        for (const link of links) if (!link.hasEnded) this.#behind.add(link)
        await this.#parts.hub.nextTailCheck()
      }
    }
    this.#isReading = false
  }

  #waitForSocket(link: Link): boolean {
    if (!link.outlet.isFull) return false
    void link.outlet.drained().then(() => this.catchUp(link))
    return true
  }

  async #read(links: readonly Link[]): Promise<void> {
    if (links.length === 0) return
    const { database } = this.#parts
    const ids = links.map(({ agent_id }) => agent_id)
    const [leases, signals] = await Promise.all([
      readLeases(database, ids),
      readOpenSignals(database, links, SIGNALS_A_PAGE),
    ])
    const pages = Map.groupBy(signals, ({ agent_id }) => agent_id)
    for (const link of links) {
      if (link.hasEnded) continue
      const lease = leases.get(link.agent_id)
      if (lease === link.lease) this.#sendPage(link, pages.get(link.agent_id) ?? [])
      else await this.#onStale(link, lease)
    }
  }

  #sendPage(link: Link, page: readonly SignalRecord[]): void {
    // What was issued since the read has marked the link as behind again.
    const isLast = page.length < SIGNALS_A_PAGE && !this.#behind.has(link)
    if (!link.catchUp(page, isLast)) this.#behind.add(link)
    this.sent(link)
  }

  /** Deliveries of one turn of the event loop are noted together. A note that fails is made by the next one. */
  sent(link: Link): void {
    if (this.#unnoted.size === 0) setImmediate(() => this.#note())
    this.#unnoted.add(link)
  }

  #note(): void {
    for (const link of this.#unnoted) {
      const deliveries = link.takeDeliveries()
      if (deliveries.size === 0) continue
      noteDeliveries(this.#parts, link, deliveries).catch(() => {})
    }
    this.#unnoted.clear()
  }

  /** Sends again what a live link has not acknowledged for too long, and tells watchers of control signals. */
  async #resend(): Promise<void> {
    if (this.#isResending) return
    this.#isResending = true
    try {
      const due = this.#findDue(Date.now())
      if (due.size > 0) await this.#resendDue(due)
    } catch {
      // Still due a second later.
    } finally {
      this.#isResending = false
    }
  }

  #findDue(now: number): Map<string, Link> {
    const due = new Map<string, Link>()
    for (const link of this.#links.values()) {
      if (link.isBehind || link.outlet.isFull) continue
      for (const id of link.due(now)) {
        if (due.size >= RESENDS_A_READ) return due
        due.set(id, link)
      }
    }
    return due
  }

  async #resendDue(due: ReadonlyMap<string, Link>): Promise<void> {
    const records = await readSignals(this.#parts.database, [...due.keys()])
    for (const record of records.sort((left, right) => left.seq - right.seq)) {
      const link = due.get(record.id)
      if (!link || link.hasEnded || link.outlet.isFull || !link.resend(record)) continue
      this.counts.resent[record.kind]++
      this.sent(link)
      if (record.kind !== 'message' && record.overdue_at === null) {
        noteOverdue(this.#parts, link, record.id).catch(() => {})
      }
    }
  }

  forget(link: Link): void {
    this.#behind.delete(link)
    this.#unnoted.delete(link)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#behind.clear()
  }
}

import { noteDeliveries, noteOverdue } from '#src/commands/runtime.ts'
import type { Writes } from '#src/commands/write-batch.ts'
import { isControl, type SignalKind, type SignalRecord, signalKinds } from '#src/domain/signal.ts'
import { LINKS_A_READ, RESEND_CHECK_MS, RESENDS_A_CHECK, SIGNALS_A_PAGE } from '#src/realtime/bounds.ts'
import type { Hub } from '#src/realtime/feed/hub.ts'
import type { AwakeClock } from '#src/realtime/socket/awake-clock.ts'
import type { Database } from '#src/store/database.ts'
import { readLeases } from '#src/store/replicas.ts'
import { readOpenSignals, readSignals } from '#src/store/signals.ts'
import type { Link } from './link.ts'
import type { LinkTable } from './link-table.ts'

export type DeliveryServices = {
  database: Database
  writes: Writes
  hub: Pick<Hub, 'nextTailCheck'>
  /** Acknowledgements that arrived while this process stood still wait to be read. */
  awake: AwakeClock
}

/** Handles a link that does not have its agent's `lease`; undefined: the agent does not exist. */
type OnStale = (link: Link, lease: number | undefined) => Promise<void> | void

const countNone = () => Object.fromEntries(signalKinds.map((kind) => [kind, 0])) as Record<SignalKind, number>

/** Delivers signals to the links of this process: those that events miss, and those that are not acknowledged. */
export class SignalDelivery {
  readonly #services: DeliveryServices
  readonly #links: Pick<LinkTable, 'all'>
  readonly #onStale: OnStale
  readonly #timer: NodeJS.Timeout
  /** The links in the state `queued`. */
  readonly #queue = new Set<Link>()
  readonly #unnoted = new Set<Link>()
  /** By kind, for metrics. A repeat counts as sent and as resent. */
  readonly counts = { sent: countNone(), resent: countNone() }
  #isReading = false
  #isResending = false

  constructor(services: DeliveryServices, links: Pick<LinkTable, 'all'>, onStale: OnStale) {
    this.#services = services
    this.#links = links
    this.#onStale = onStale
    this.#timer = setInterval(() => void this.#resend(), RESEND_CHECK_MS)
  }

  /** Reads from the database which signals a link has yet to send, and whether it is still its agent's newest link. */
  catchUp(link: Link): void {
    if (!link.queue()) return
    this.#queue.add(link)
    if (this.#isReading) return
    this.#isReading = true
    // The links of one turn are read together.
    setImmediate(() => void this.#readAll())
  }

  /** Clears `#isReading` in the same step that finds the queue empty, so that no link is queued in between. */
  async #readAll(): Promise<void> {
    while (this.#queue.size > 0) {
      const links = this.#takeQueued()
      try {
        await this.#read(links)
      } catch {
        for (const link of links) {
          link.failRead()
          this.#queueAgain(link)
        }
        await this.#services.hub.nextTailCheck()
      }
    }
    this.#isReading = false
  }

  #takeQueued(): Link[] {
    const links: Link[] = []
    for (const link of this.#queue) {
      if (links.length === LINKS_A_READ) break
      this.#queue.delete(link)
      if (link.beginRead()) links.push(link)
      else void link.outlet.drained().then(() => this.catchUp(link))
    }
    return links
  }

  #queueAgain(link: Link): void {
    if (link.state === 'queued') this.#queue.add(link)
  }

  async #read(links: readonly Link[]): Promise<void> {
    if (links.length === 0) return
    const { database } = this.#services
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
    link.endRead(page, page.length < SIGNALS_A_PAGE)
    this.#queueAgain(link)
    this.sent(link)
  }

  /** Counts a signal that its runtime has fetched over HTTP. */
  fetched({ kind, attempt }: Pick<SignalRecord, 'kind' | 'attempt'>): void {
    this.counts.sent[kind]++
    if (attempt > 1) this.counts.resent[kind]++
  }

  /** Notes the deliveries of one turn together. The next attach or resend makes up for a note that fails. */
  sent(link: Link): void {
    if (this.#unnoted.size === 0) setImmediate(() => this.#note())
    this.#unnoted.add(link)
  }

  #note(): void {
    for (const link of this.#unnoted) {
      const deliveries = link.takeDeliveries()
      if (deliveries.size === 0) continue
      noteDeliveries(this.#services, link, deliveries).catch(() => {})
    }
    this.#unnoted.clear()
  }

  /** Resends the signals that live links have not acknowledged in time, and shows control signals as overdue. */
  async #resend(): Promise<void> {
    if (this.#isResending) return
    this.#isResending = true
    try {
      const due = this.#findDue(this.#services.awake.now())
      if (due.size > 0) await this.#resendDue(due)
    } catch {
      // The signals are still due at the next check.
    } finally {
      this.#isResending = false
    }
  }

  #findDue(now: number): Map<string, Link> {
    const due = new Map<string, Link>()
    for (const link of this.#links.all()) {
      if (link.state !== 'live' || link.outlet.isFull) continue
      for (const id of link.due(now)) {
        if (due.size >= RESENDS_A_CHECK) return due
        due.set(id, link)
      }
    }
    return due
  }

  async #resendDue(due: ReadonlyMap<string, Link>): Promise<void> {
    const records = await readSignals(this.#services.database, [...due.keys()])
    for (const record of records.sort((left, right) => left.seq - right.seq)) {
      const link = due.get(record.id)
      if (!link || link.hasEnded || link.outlet.isFull || !link.resend(record)) continue
      this.counts.resent[record.kind]++
      this.sent(link)
      if (isControl(record.kind) && record.overdue_at === null) {
        noteOverdue(this.#services, link, record.id).catch(() => {})
      }
    }
  }

  forget(link: Link): void {
    this.#queue.delete(link)
    this.#unnoted.delete(link)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#queue.clear()
  }
}

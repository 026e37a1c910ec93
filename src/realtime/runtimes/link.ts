import type { Actor } from '#src/domain/actor.ts'
import { addNumber, between, type NumberRanges } from '#src/domain/report-numbers.ts'
import { RESEND_MS } from '#src/domain/runtime.ts'
import { isControl, type Signal, type SignalKind, type SignalRecord, toSignal } from '#src/domain/signal.ts'
import type { ServerMessage } from '#src/protocol/messages/down.ts'
import type { GoodbyeReason } from '#src/protocol/messages/goodbye.ts'
import type { AwakeClock } from '#src/realtime/socket/awake-clock.ts'
import type { LoggedEvent } from '#src/store/events.ts'
import { SpanKind, startSpan, type Traceparent, traceparentOf } from '#src/tracing/trace.ts'
import { type LinkState, linkSuccessors } from './link-state.ts'

/** What a link needs of the socket that it is on. */
export type LinkOutlet = {
  readonly isOpen: boolean
  readonly isFull: boolean
  send(message: ServerMessage): void
  drained(): Promise<void>
  /** Says goodbye and closes. The peer reconnects after a while and attaches again. */
  dismiss(reason: GoodbyeReason): void
}

/** `revoked`: the principal may no longer attach the agent. `replaced`: the agent has a newer link. */
export type DetachReason = 'replaced' | 'revoked'

type SentSignal = {
  isControl: boolean
  attempt: number
  at: number
  traceparent: Traceparent | undefined
}

type LinkInput = {
  agent_id: string
  project_id: string
  actor: Actor
  lease: number
  /** The project's epoch, as known just before the attach was committed. */
  epoch: number
  /** The number of the event of its attach. Signals of older events are read from the database. */
  seq: number
  outlet: LinkOutlet
  /** Signals that the whole process has sent, by kind. */
  sent: Record<SignalKind, number>
  awake: AwakeClock
  onDetached: (reason: DetachReason) => void
}

/** One agent attached on one socket under one lease. Its signals go out in the order of their `seq`. */
export class Link {
  readonly agent_id: string
  readonly project_id: string
  readonly actor: Actor
  readonly lease: number
  readonly epoch: number
  readonly outlet: LinkOutlet
  readonly #counts: Record<SignalKind, number>
  readonly #awake: AwakeClock
  readonly #onDetached: (reason: DetachReason) => void
  readonly #attachSeq: number
  #state: LinkState = 'attached'
  #position = 0
  /** Sent on this link and not acknowledged yet. Bounded by the signals that one agent may have open. */
  readonly #sent = new Map<string, SentSignal>()
  #unnoted = new Map<string, number>()
  #unapplied: NumberRanges = []

  constructor({ outlet, sent, awake, onDetached, ...attached }: LinkInput) {
    this.agent_id = attached.agent_id
    this.project_id = attached.project_id
    this.actor = attached.actor
    this.lease = attached.lease
    this.epoch = attached.epoch
    this.#attachSeq = attached.seq
    this.outlet = outlet
    this.#counts = sent
    this.#awake = awake
    this.#onDetached = onDetached
  }

  get state(): LinkState {
    return this.#state
  }

  get hasEnded(): boolean {
    return this.#state === 'ended'
  }

  /** The `seq` of the last signal that was sent. */
  get position(): number {
    return this.#position
  }

  /** Queues the link for a read of its lease and open signals. False: it has ended, or its socket cannot take any. */
  queue(): boolean {
    // A closing socket counts as drained at once, so a link on it would be queued without end.
    if (this.hasEnded || !this.outlet.isOpen) return false
    if (this.#state === 'stalled' && this.outlet.isFull) return false
    this.#enter('queued')
    return true
  }

  /** Begins the read of a queued link. False: its socket is full, or it has ended. */
  beginRead(): boolean {
    if (this.#state !== 'queued') return false
    const { isFull } = this.outlet
    this.#enter(isFull ? 'stalled' : 'reading')
    return !isFull
  }

  /** The read failed: it has to be made again. */
  failRead(): void {
    if (this.#state === 'reading') this.#enter('queued')
  }

  /** Sends the open signals after `position` that were read. `isLast`: the database had no more. */
  endRead(page: readonly SignalRecord[], isLast: boolean): void {
    const isComplete = this.#sendPage(page) && isLast
    // An event that came during the read has queued the link again: its signal may be missing on the page.
    if (this.#state !== 'reading') return
    if (!isComplete) return this.#enter('queued')
    // Events up to the attach that are still on their way issued signals that had ended by then.
    this.#position = Math.max(this.#position, this.#attachSeq)
    this.#enter('live')
  }

  /** Sends a signal that an event has just issued. False: the link has to read it from the database. */
  receive(signal: Signal, { seq, traceparent }: Pick<LoggedEvent, 'seq' | 'traceparent'>): boolean {
    if (seq <= this.#position) return true
    if (this.#state !== 'live' || this.outlet.isFull) return false
    this.#position = seq
    this.#send(signal, traceparent)
    return true
  }

  end(): void {
    if (!this.hasEnded) this.#enter('ended')
  }

  #enter(state: LinkState): void {
    if (state === this.#state) return
    if (!linkSuccessors[this.#state].includes(state)) {
      throw new Error(`A link cannot go from ${this.#state} to ${state}`)
    }
    this.#state = state
  }

  /** False: the socket was full before the end of the page. */
  #sendPage(page: readonly SignalRecord[]): boolean {
    for (const record of page) {
      if (this.outlet.isFull) return false
      if (record.seq <= this.#position) continue
      this.#position = record.seq
      this.#send(toSignal(record, record.attempt + 1), record.traceparent)
    }
    return true
  }

  /** The trace of a signal that is not acknowledged yet. The acknowledgement belongs to that trace. */
  traceOf(signal_id: string): Traceparent | undefined {
    return this.#sent.get(signal_id)?.traceparent
  }

  acknowledged(signal_id: string): void {
    this.#sent.delete(signal_id)
  }

  /** The signals whose acknowledgement is overdue. `now` in milliseconds of the awake clock. */
  due(now: number): string[] {
    return [...this.#sent].filter(([, { at }]) => now - at >= RESEND_MS).map(([id]) => id)
  }

  /** Sends a signal again. False: it ended, on this replica or another, while it was read. */
  resend(record: SignalRecord): boolean {
    const sent = this.#sent.get(record.id)
    if (sent && record.outcome === null) {
      this.#send(toSignal(record, Math.max(sent.attempt, record.attempt) + 1), record.traceparent)
      return true
    }
    this.#sent.delete(record.id)
    return false
  }

  /** The signals sent since the last call, with the number of their attempt. */
  takeDeliveries(): ReadonlyMap<string, number> {
    const deliveries = this.#unnoted
    if (deliveries.size > 0) this.#unnoted = new Map()
    return deliveries
  }

  /** The numbers of the reports received here that are not known to be applied: under way, or refused. */
  get unapplied(): NumberRanges {
    return this.#unapplied
  }

  receivedReport(n: number): void {
    this.#unapplied = addNumber(this.#unapplied, n)
  }

  /** From now on the agent's row says which numbers up to `last_report` are missing. */
  appliedReports(last_report: number): void {
    this.#unapplied = between(this.#unapplied, last_report, Number.POSITIVE_INFINITY)
  }

  detached(reason: DetachReason): void {
    this.#onDetached(reason)
  }

  #send(signal: Signal, issuedIn: Traceparent | null | undefined): void {
    const isControlSignal = isControl(signal.kind)
    // A control signal supersedes those before it: they are never sent again.
    if (isControlSignal) for (const [id, sent] of this.#sent) if (sent.isControl) this.#sent.delete(id)
    const traceparent = issuedIn ? this.#trace(signal, issuedIn) : undefined
    const { attempt } = signal
    this.#sent.set(signal.id, { isControl: isControlSignal, attempt, at: this.#awake.now(), traceparent })
    this.#unnoted.set(signal.id, attempt)
    this.#counts[signal.kind]++
    const traced = traceparent === undefined ? signal : { ...signal, traceparent }
    this.outlet.send({ type: 'signal', agent_id: this.agent_id, signal: traced })
  }

  #trace({ id, kind, attempt }: Signal, issuedIn: Traceparent): Traceparent {
    const span = startSpan('signal', issuedIn, {
      kind: SpanKind.PRODUCER,
      attributes: {
        'signalbox.agent_id': this.agent_id,
        'signalbox.signal_id': id,
        'signalbox.signal_kind': kind,
        'signalbox.attempt': attempt,
      },
    })
    const traceparent = traceparentOf(span) ?? issuedIn
    span.end()
    return traceparent
  }
}

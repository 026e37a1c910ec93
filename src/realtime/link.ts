import type { Actor } from '#src/domain/events.ts'
import { type Signal, type SignalKind, type SignalRecord, toSignal } from '#src/domain/signal.ts'
import type { GoodbyeReason, ServerMessage } from '#src/protocol/frames.ts'
import type { LoggedEvent } from '#src/store/events.ts'
import { SpanKind, startSpan, type Traceparent, traceparentOf } from '#src/tracing/trace.ts'

/** A signal that is not acknowledged this long after it was sent on a live link is sent again. */
export const RESEND_MS = 30_000

/** What a link needs of the socket that it is on. */
export type LinkOutlet = {
  readonly isOpen: boolean
  readonly isFull: boolean
  send(message: ServerMessage): void
  drained(): Promise<void>
  /** Says goodbye and closes: its peer comes back by and by, and attaches anew. */
  dismiss(reason: GoodbyeReason): void
}

/** `revoked`: the right to it is gone; `replaced`: a newer link has taken its place. */
export type DetachReason = 'replaced' | 'revoked'

type Sent = { is_control: boolean; attempt: number; at: number; traceparent: Traceparent | undefined }

type LinkInput = {
  agent_id: string
  project_id: string
  actor: Actor
  lease: number
  /** The project's, as it was known just before the attach was committed. */
  epoch: number
  /** The number of the event of its attach: what older events issued is read from the database. */
  seq: number
  outlet: LinkOutlet
  /** Signals sent, by kind: of the whole process. */
  sent: Record<SignalKind, number>
  onDetached: (reason: DetachReason) => void
}

/**
 * One agent attached on one socket, under one lease. Signals go out in the order of their `seq`:
 *
 * - **behind**: it is read from the database what is not acknowledged after `position`; so it begins, and so it
 *   goes on when its socket was full or events were missed.
 * - **live**: an event that issues a signal is sent at once.
 */
export class Link {
  readonly agent_id: string
  readonly project_id: string
  readonly actor: Actor
  readonly lease: number
  readonly epoch: number
  readonly outlet: LinkOutlet
  readonly #counts: Record<SignalKind, number>
  readonly #onDetached: (reason: DetachReason) => void
  readonly #seq: number
  /** The last signal sent, by its seq. */
  position = 0
  isBehind = true
  hasEnded = false
  /** Sent here and not acknowledged yet. Bounded by what an agent may have pending. */
  readonly #sent = new Map<string, Sent>()
  #unnoted = new Map<string, number>()

  constructor({ agent_id, project_id, actor, lease, epoch, seq, outlet, sent, onDetached }: LinkInput) {
    this.agent_id = agent_id
    this.project_id = project_id
    this.actor = actor
    this.lease = lease
    this.epoch = epoch
    this.outlet = outlet
    this.#counts = sent
    this.#seq = seq
    this.#onDetached = onDetached
  }

  /** A signal that has just been issued. False: it has to be read from the database, in its turn. */
  receive(signal: Signal, { seq, traceparent }: Pick<LoggedEvent, 'seq' | 'traceparent'>): boolean {
    if (seq <= this.position) return true
    if (this.isBehind || this.outlet.isFull) return false
    this.position = seq
    this.#send(signal, traceparent)
    return true
  }

  /**
   * A page of open signals after `position`; `isLast`: there were no more when it was read. False: there is
   * more to read, once the socket has drained.
   */
  catchUp(page: readonly SignalRecord[], isLast: boolean): boolean {
    for (const record of page) {
      if (this.outlet.isFull) return false
      if (record.seq <= this.position) continue
      this.position = record.seq
      this.#send(toSignal(record, record.attempt + 1), record.traceparent)
    }
    if (!isLast) return false
    // The events up to the attach are told of: those still on their way are of signals that ended before.
    this.position = Math.max(this.position, this.#seq)
    this.isBehind = false
    return true
  }

  /** The trace of a signal that is not acknowledged: what its runtime says of it belongs there. */
  traceOf(signal_id: string): Traceparent | undefined {
    return this.#sent.get(signal_id)?.traceparent
  }

  acknowledged(signal_id: string): void {
    this.#sent.delete(signal_id)
  }

  /** The signals that have waited too long for their acknowledgement. */
  due(now: number): string[] {
    return [...this.#sent].filter(([, { at }]) => now - at >= RESEND_MS).map(([id]) => id)
  }

  /** Sends a signal again. False where it ended, here or elsewhere, while it was read. */
  resend(record: SignalRecord): boolean {
    const sent = this.#sent.get(record.id)
    if (sent && record.outcome === null) {
      this.#send(toSignal(record, Math.max(sent.attempt, record.attempt) + 1), record.traceparent)
      return true
    }
    this.#sent.delete(record.id)
    return false
  }

  /** What was sent since the last call, with the number of each attempt. */
  takeDeliveries(): ReadonlyMap<string, number> {
    const deliveries = this.#unnoted
    if (deliveries.size > 0) this.#unnoted = new Map()
    return deliveries
  }

  detached(reason: DetachReason): void {
    this.#onDetached(reason)
  }

  #send(signal: Signal, issuedIn: Traceparent | null | undefined): void {
    const is_control = signal.kind !== 'message'
    // A control signal supersedes those before it: they are never sent again.
    if (is_control) for (const [id, sent] of this.#sent) if (sent.is_control) this.#sent.delete(id)
    const traceparent = issuedIn ? this.#trace(signal, issuedIn) : undefined
    this.#sent.set(signal.id, { is_control, attempt: signal.attempt, at: Date.now(), traceparent })
    this.#unnoted.set(signal.id, signal.attempt)
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

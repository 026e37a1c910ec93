import { ClosedError, InterruptedError } from '#src/client/connection/errors.ts'
import { isControl, type Signal, type SignalKind } from '#src/domain/signal.ts'
import type { BoundHandlers, Obey } from './handlers.ts'
import { type Ack, Inbox } from './inbox.ts'
import type { MessageQueue } from './message-queue.ts'
import { PauseGate } from './pause-gate.ts'
import type { Runs } from './runs.ts'

type Rule = {
  /** Runs at once when the signal comes, even while an earlier one is under way. */
  arrive?: (signal: Signal) => void
  handler: Obey | undefined
  otherwise: Obey
  after?: (signal: Signal) => unknown
}

type Parts = {
  handlers: BoundHandlers
  /** Takes messages in place of a handler. */
  queue?: MessageQueue | undefined
  runs: Runs
  acknowledge: (signal_id: string, ack: Ack) => void
  /** Resolves when the server has what was reported so far. */
  flush: () => Promise<void>
  /** The newest order is a resume. */
  resumed: () => void
}

/** Turns signals into the gate, the AbortSignals and the handler calls that the loop of an agent sees. */
export class SignalHandler {
  readonly #parts: Parts
  readonly #gate: PauseGate
  readonly #abort = new AbortController()
  /** For the step that the loop is in; a new one after each interruption. */
  #step = new AbortController()
  readonly #inbox: Inbox
  readonly #rules: Partial<Record<SignalKind, Rule>>
  /** The newest control signal: an older one no longer opens the gate. */
  #newest: Signal | undefined
  #terminate: Signal | undefined
  /** Control signals under way. */
  #obeying = 0

  constructor(parts: Parts) {
    this.#parts = parts
    const { handlers, runs, acknowledge } = parts
    this.#gate = new PauseGate(runs)
    // A signal that was overtaken before its turn is done at once.
    const reached = (signal: Signal) => this.#newest === signal && this.#gate.whenReached()
    this.#rules = {
      pause: { arrive: (signal) => this.#paused(signal), handler: handlers.pause, otherwise: reached },
      resume: { handler: handlers.resume, otherwise: () => {}, after: (signal) => this.#resumed(signal) },
      terminate: {
        arrive: () => this.end(new ClosedError('terminated')),
        handler: handlers.terminate,
        otherwise: reached,
        after: (signal) => this.#terminated(signal),
      },
      message: { handler: handlers.message, otherwise: refuseMessage },
      answer: { handler: handlers.answer, otherwise: () => {} },
    }
    this.#inbox = new Inbox({ obey: (signal) => this.#obey(signal), acknowledge })
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Aborts with `signal`, and on a pause that interrupts. */
  get step(): AbortSignal {
    return this.signal.aborted ? this.signal : this.#step.signal
  }

  get isPaused(): boolean {
    return this.#gate.isClosed
  }

  checkpoint(): Promise<void> {
    return this.#gate.pass()
  }

  /** Waits for the promise, in place of a checkpoint. */
  stand<Result>(pending: Promise<Result>): Promise<Result> {
    return this.#gate.stand(pending)
  }

  take(signal: Signal): void {
    const queue = signal.kind === 'message' ? this.#parts.queue : undefined
    if (!this.#inbox.take(signal, { isKept: queue !== undefined })) return
    queue?.add(signal, (ack) => this.#inbox.settle(signal.id, ack))
    if (!isControl(signal.kind)) return
    this.#newest = signal
    if (signal.kind === 'terminate') this.#terminate = signal
    // This signal overtakes a pause that the loop has not reached.
    this.#gate.giveUp()
    this.#rules[signal.kind]?.arrive?.(signal)
  }

  /** Follows the server's status, unless a signal is on its way: then the signal decides. */
  align(isPaused: boolean, hasOpenSignal: boolean): void {
    if (isPaused) this.#gate.close()
    else if (!hasOpenSignal && this.#obeying === 0) this.#open()
  }

  /** The runtime has another agent now: signals of the one before decide nothing any more. */
  forget(isPaused: boolean): void {
    this.#newest = undefined
    this.#terminate = undefined
    this.#gate.giveUp()
    if (!isPaused) this.#open()
  }

  /** Makes the loop stop. */
  end(error: ClosedError): void {
    this.#gate.end(error)
    if (this.signal.aborted) return
    this.#abort.abort(error)
    this.#step.abort(error)
  }

  /** A run has ended: an order may be obeyed now. */
  look(): void {
    this.#gate.look()
  }

  /** Resolves when no run is under way. To be called after `end`. */
  async whenStopped(): Promise<void> {
    if (this.#parts.runs.active.size > 0) await this.#gate.whenReached()
  }

  /** Nothing more will be done about a terminate. */
  settle(ack: Ack): void {
    if (this.#terminate) this.#inbox.settle(this.#terminate.id, ack)
  }

  async #obey(signal: Signal): Promise<void> {
    const rule = this.#rules[signal.kind]
    // A newer server may know kinds that this client does not.
    if (!rule) throw new Error(`This client does not know signals of the kind ${signal.kind}`)
    const { handler, otherwise, after } = rule
    const counts = isControl(signal.kind) ? 1 : 0
    this.#obeying += counts
    try {
      await (handler ?? otherwise)(signal)
      await after?.(signal)
    } finally {
      this.#obeying -= counts
    }
  }

  #paused({ mode, reason }: Signal): void {
    this.#gate.close()
    if (mode === 'interrupt') this.#step.abort(new InterruptedError(reason))
  }

  #resumed(signal: Signal): void {
    if (this.#newest !== signal) return
    this.#open()
    this.#parts.resumed()
  }

  /** Once it is acknowledged, no other link could bring the last reports. */
  async #terminated(signal: Signal): Promise<void> {
    if (this.#parts.runs.isUsed && this.#newest === signal) await this.#gate.whenReached()
    await this.#parts.flush()
  }

  #open(): void {
    if (this.#step.signal.aborted) this.#step = new AbortController()
    this.#gate.open()
  }
}

function refuseMessage(): never {
  throw new Error('This runtime takes no messages')
}

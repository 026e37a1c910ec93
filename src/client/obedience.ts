import type { Signal, SignalKind } from '#src/domain/signal.ts'
import { ClosedError } from './errors.ts'
import { Gate } from './gate.ts'
import { type Ack, Inbox } from './inbox.ts'

/** What a runtime does when it is told to; a signal is acknowledged when its handler is done, or has thrown. */
export type Handlers<Agent> = {
  /** Without one, a pause is done when the loop stands at `checkpoint`. */
  onPause?: Handler<Agent>
  onResume?: Handler<Agent>
  /** Without one, a terminate is done when `checkpoint` has thrown, or the agent is closed. */
  onTerminate?: Handler<Agent>
  /** Without one, messages fail: the operator sees that nobody listens. */
  onMessage?: Handler<Agent>
}
type Handler<Agent> = (signal: Signal, agent: Agent) => unknown

type Run = (signal: Signal) => unknown
type Rule = {
  /** At once when it comes, even while an earlier one is being obeyed. */
  arrive?: () => void
  handler: Run | undefined
  otherwise: Run
  after?: (signal: Signal) => void
}

/** Turns signals into what the loop of an agent sees: a gate, an AbortSignal, calls of handlers. */
export class Obedience {
  readonly #gate = new Gate()
  readonly #abort = new AbortController()
  readonly #inbox: Inbox
  readonly #rules: Record<SignalKind, Rule>
  /** The newest control signal: an older one no longer opens the gate. */
  #newest: Signal | undefined
  #terminate: Signal | undefined
  /** Control signals under way. */
  #obeying = 0

  constructor(
    handlers: Record<SignalKind, Run | undefined>,
    acknowledge: (signal_id: string, ack: Ack) => void,
  ) {
    // What has been overtaken before its turn came is waited for no more.
    const reached = (signal: Signal) => this.#newest === signal && this.#gate.whenReached()
    this.#rules = {
      pause: { arrive: () => this.#gate.close(), handler: handlers.pause, otherwise: reached },
      resume: { handler: handlers.resume, otherwise: () => {}, after: (signal) => this.#resumed(signal) },
      terminate: {
        arrive: () => this.end(new ClosedError('terminated')),
        handler: handlers.terminate,
        otherwise: reached,
      },
      message: { handler: handlers.message, otherwise: refuseMessage },
    }
    this.#inbox = new Inbox({ obey: (signal) => this.#obey(signal), acknowledge })
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get isPaused(): boolean {
    return this.#gate.isClosed
  }

  checkpoint(): Promise<void> {
    return this.#gate.pass()
  }

  take(signal: Signal): void {
    if (!this.#inbox.take(signal) || signal.kind === 'message') return
    this.#newest = signal
    if (signal.kind === 'terminate') this.#terminate = signal
    // A pause that nobody has come to stand at is overtaken.
    this.#gate.giveUp()
    this.#rules[signal.kind].arrive?.()
  }

  /** What the server says that the agent is. Where a signal is on its way, that decides. */
  align(isPaused: boolean, isToldMore: boolean): void {
    if (isPaused) this.#gate.close()
    else if (!isToldMore && this.#obeying === 0) this.#gate.open()
  }

  /** The loop has to stop. */
  end(error: ClosedError): void {
    this.#gate.end(error)
    if (!this.#abort.signal.aborted) this.#abort.abort(error)
  }

  /** The loop has stopped: that is what a terminate asked for. */
  settle(): void {
    if (this.#terminate) this.#inbox.settle(this.#terminate.id, { outcome: 'done' })
  }

  async #obey(signal: Signal): Promise<void> {
    const { handler, otherwise, after } = this.#rules[signal.kind]
    const counts = signal.kind === 'message' ? 0 : 1
    this.#obeying += counts
    try {
      await (handler ?? otherwise)(signal)
      after?.(signal)
    } finally {
      this.#obeying -= counts
    }
  }

  #resumed(signal: Signal): void {
    if (this.#newest === signal) this.#gate.open()
  }
}

function refuseMessage(): never {
  throw new Error('This runtime takes no messages')
}

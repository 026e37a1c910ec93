import { type Agent, isControlOpen } from '#src/domain/agent.ts'
import type { ServerMessage } from '#src/protocol/frames.ts'
import type { Channel, Connection } from './connection.ts'
import { Emitter } from './emitter.ts'
import { ClosedError, type ClosedReason, endingOf } from './errors.ts'
import type { Ack } from './inbox.ts'
import { type Handlers, Obedience } from './obedience.ts'
import type { Report } from './report-queue.ts'
import { type Reported, Reporter } from './reporter.ts'
import type { Frame } from './socket.ts'
import { type ConnectionState, isSameState, type LinkState, linkState } from './state.ts'

/** When a server that could not answer is asked again. */
const ASK_AGAIN_MS = 1_000
/** How long `close` waits for the server to have the last reports. */
const CLOSE_WAIT_MS = 5_000

type Attached = Extract<ServerMessage, { type: 'attached' }>

/** One agent that this process runs: told what to do by operators, and telling what it does. */
export class RunningAgent {
  readonly agent_id: string
  readonly #connection: Connection
  readonly #channel: Channel
  readonly #obedience: Obedience
  readonly #reporter: Reporter
  readonly #emitter = new Emitter<{ state: LinkState; acknowledged: undefined }>()
  /** Acknowledgements that the server has yet to answer. */
  readonly #acks = new Set<string>()
  #state: LinkState = { kind: 'connecting' }
  #details: Agent | undefined
  #isAttached = false
  #closing: Promise<void> | undefined
  #again: ReturnType<typeof setTimeout> | undefined

  /** @internal */
  constructor(connection: Connection, agent_id: string, handlers: Handlers<RunningAgent>) {
    this.agent_id = agent_id.toLowerCase()
    this.#connection = connection
    const { onPause, onResume, onTerminate, onMessage } = handlers
    const bind = (handler: Handlers<RunningAgent>['onPause']) =>
      handler && ((signal: Parameters<typeof handler>[0]) => handler(signal, this))
    this.#obedience = new Obedience(
      {
        pause: bind(onPause),
        resume: bind(onResume),
        terminate: bind(onTerminate),
        message: bind(onMessage),
      },
      (signal_id, ack) => this.#acknowledge(signal_id, ack),
    )
    this.#reporter = new Reporter(
      'idle',
      (report, onReply) => connection.send({ type: 'report', agent_id: this.agent_id, ...report }, onReply),
      ({ status }) => status === 'terminated' && this.#obedience.end(new ClosedError('terminated')),
    )
    this.#channel = {
      kind: 'agents',
      key: this.agent_id,
      opened: () => this.#attach(),
      changed: (state) => this.#changed(state),
      take: (frame) => this.#take(frame),
    }
    connection.join(this.#channel)
  }

  get state(): LinkState {
    return this.#state
  }

  /** The agent as it was when it was last attached, with its memory. */
  get details(): Agent {
    if (!this.#details) throw new Error('The agent is not attached yet')
    return this.#details
  }

  /** An operator, its timer, a budget or the agent itself has paused it. */
  get isPaused(): boolean {
    return this.#obedience.isPaused
  }

  /** Aborts when the agent is terminated, replaced or closed; the reason is a ClosedError. */
  get signal(): AbortSignal {
    return this.#obedience.signal
  }

  /** Waits while the agent is paused. Rejects with the ClosedError of `signal` when the loop has to stop. */
  checkpoint(): Promise<void> {
    return this.#obedience.checkpoint()
  }

  /**
   * Reports, at most once a second: what is reported meanwhile goes out as one. Resolves when the server has committed it;
   * whoever doesn't care need not wait. Throws a RangeError for usage that can't be, and the ClosedError once it is over.
   */
  report(report: Report): Promise<Reported> {
    if (this.#state.kind === 'closed') throw this.#state.error
    const reported = this.#reporter.report(report)
    if (report.status === 'paused') this.#obedience.align(true, false)
    return reported
  }

  /** Returns what ends the listening. */
  on(name: 'state', listener: (state: LinkState) => void): () => void {
    return this.#emitter.on(name, listener)
  }

  /** Stops running the agent. Resolves when the server has the last reports, or 5 s later. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#state.kind === 'closed') return
    this.#obedience.end(new ClosedError('requested'))
    this.#obedience.settle()
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, CLOSE_WAIT_MS)
    await Promise.race([late, Promise.all([this.#reporter.flush(), this.#acknowledged()])])
    clearTimeout(timer)
    this.#end('requested')
  }

  /** @internal Resolves when it is attached for the first time. */
  whenAttached(): Promise<this> {
    const { promise, resolve, reject } = Promise.withResolvers<this>()
    const look = (state: LinkState) => {
      if (state.kind === 'live') resolve(this)
      else if (state.kind === 'closed') reject(state.error)
    }
    const stop = this.on('state', look)
    look(this.#state)
    return promise.finally(stop)
  }

  #attach(): void {
    clearTimeout(this.#again)
    this.#connection.send({ type: 'attach', agent_id: this.agent_id }, (reply) => {
      if (this.#state.kind === 'closed') return
      if (reply.type === 'attached') this.#attached(reply)
      else if (reply.type === 'error') this.#refused(reply)
    })
    this.#become(linkState(this.#connection.state, false))
  }

  #attached({ agent, last_report }: Attached): void {
    this.#details = agent
    this.#isAttached = true
    this.#obedience.align(agent.status === 'paused', isControlOpen(agent))
    this.#reporter.resume(last_report, agent.status)
    this.#become({ kind: 'live' })
  }

  #refused({ code, message }: Extract<ServerMessage, { type: 'error' }>): void {
    const reason = endingOf(code)
    if (reason) this.#end(reason, message)
    else this.#again = setTimeout(() => this.#attach(), ASK_AGAIN_MS)
  }

  #take(frame: Frame): void {
    if (frame.type === 'signal') this.#obedience.take(frame.signal)
    else if (frame.type === 'detached' && frame.reason !== 'requested') this.#end(frame.reason)
  }

  /** What can't be sent, or is not answered, is acknowledged when the server sends the signal again. */
  #acknowledge(signal_id: string, ack: Ack): void {
    if (!this.#isAttached) return
    this.#acks.add(signal_id)
    this.#connection.send({ type: 'ack', agent_id: this.agent_id, signal_id, ...ack }, () => {
      this.#acks.delete(signal_id)
      this.#emitter.emit('acknowledged', undefined)
    })
  }

  async #acknowledged(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = () => this.#acks.size === 0 && resolve()
    const stop = this.#emitter.on('acknowledged', look)
    look()
    await promise
    stop()
  }

  #changed(connection: ConnectionState): void {
    this.#isAttached = false
    clearTimeout(this.#again)
    this.#reporter.interrupt()
    this.#acks.clear()
    this.#emitter.emit('acknowledged', undefined)
    if (connection.kind === 'closed') this.#end(connection.reason, connection.error)
    else this.#become(linkState(connection, false))
  }

  #end(reason: ClosedReason, cause?: unknown): void {
    if (this.#state.kind === 'closed') return
    clearTimeout(this.#again)
    this.#isAttached = false
    const error = cause instanceof ClosedError ? cause : new ClosedError(reason, cause)
    if (reason === 'requested') this.#connection.send({ type: 'detach', agent_id: this.agent_id })
    // Before anybody hears of it: whoever does may run it anew.
    this.#connection.leave(this.#channel)
    this.#obedience.end(error)
    // After what is reported when the signal aborts.
    this.#reporter.end(error)
    this.#become({ kind: 'closed', reason, error })
  }

  /** What is closed stays that: a listener may have closed it in the midst of what would change it. */
  #become(state: LinkState): void {
    if (this.#state.kind === 'closed' || isSameState(state, this.#state)) return
    this.#state = state
    this.#emitter.emit('state', state)
  }
}

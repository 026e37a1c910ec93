import type { Connection } from '#src/client/connection/connection.ts'
import { ClosedError } from '#src/client/connection/errors.ts'
import { isControlOpen } from '#src/domain/control.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { AgentLink, type Attached } from './agent-link.ts'
import { addCosts, type Cost } from './cost.ts'
import type { BoundHandlers } from './handlers.ts'
import type { Ack } from './inbox.ts'
import { type Identity, Introduction, type SelfDescription } from './introduction.ts'
import { MessageQueue } from './message-queue.ts'
import type { Answer, Question } from './question.ts'
import { Questions } from './questions.ts'
import type { Report } from './report-queue.ts'
import { type Reported, Reporter } from './reporter.ts'
import { type Run, Runs } from './runs.ts'
import { SignalHandler } from './signal-handler.ts'

/** How long `close` waits for the work and the last reports; with the time that a socket takes to end, at most 5 s. */
const CLOSE_WAIT_MS = 3_000
/** How long of that it waits for work: the rest is for what the server has to know. */
const WORK_WAIT_MS = 2_000

const stillRunning: Ack = {
  outcome: 'failed',
  detail: 'The agent was closed while its work was still running',
}
const TERMINATED = 'The agent was terminated before its model was given the message'

export type CoreOptions = SelfDescription & {
  /** `queue`: messages wait for `takeMessages`, in place of a handler. */
  messages?: 'queue' | undefined
  /** Prices the usage of each report that has tokens and no `cost_incurred`. */
  cost?: Cost | undefined
}

/** The parts of one running agent, and what one of them has to say to another. */
export class AgentCore {
  readonly introduction: Introduction
  readonly link: AgentLink
  readonly signals: SignalHandler
  readonly messages: MessageQueue | undefined
  readonly runs = new Runs({
    begun: () => this.tell({ status: 'working' }),
    ended: (run, isLast) => this.#runEnded(run, isLast),
  })
  readonly #cost: Cost | undefined
  readonly #reporter: Reporter
  readonly #questions: Questions
  readonly #acks = new Acknowledgements()
  /** It has reported its own end: under its name there may soon be another agent. */
  #isEnding = false
  #closing: Promise<void> | undefined

  constructor(
    connection: Connection,
    identity: Identity,
    options: CoreOptions & { handlers: BoundHandlers },
  ) {
    this.introduction = new Introduction(identity, options)
    this.#cost = options.cost
    this.messages = options.messages && new MessageQueue()
    this.signals = new SignalHandler({
      handlers: { ...options.handlers, answer: (signal) => this.#questions.answered(signal) },
      queue: this.messages,
      runs: this.runs,
      acknowledge: (signal_id, ack) => this.#acknowledge(signal_id, ack),
      flush: () => this.#reporter.hurry(),
      resumed: () => this.#resumed(),
    })
    this.#reporter = new Reporter(
      'idle',
      (report, onReply) => this.link.send({ type: 'report', agent_id: this.agent_id, ...report }, onReply),
      ({ status }) => status === 'terminated' && this.signals.end(new ClosedError('terminated')),
    )
    this.#questions = new Questions({
      send: (message, onReply) => this.link.send({ ...message, agent_id: this.agent_id }, onReply),
      hurry: () => this.#reporter.hurry(),
      report: (status) => this.tell({ status }),
    })
    const { signal } = this.signals
    signal.addEventListener('abort', () => this.#questions.end(signal.reason))
    this.link = new AgentLink(connection, this.introduction, {
      attached: (attached, isOther) => this.#attached(attached, isOther),
      lost: () => this.#lost(),
      take: (frame) => frame.type === 'signal' && this.signals.take(frame.signal),
      ended: (error) => this.#ended(error),
      isBound: () => this.#isEnding || signal.aborted,
    })
    this.link.start()
  }

  get agent_id(): string {
    return this.introduction.agent_id ?? ''
  }

  /** From now on operators see that the agent can do this. */
  show(capability: string): void {
    this.introduction.add(capability)
    this.link.announce()
  }

  report(report: Report): Promise<Reported> {
    const { state } = this.link
    if (state.kind === 'closed') return rejectQuietly(state.error)
    const usage = addCosts(report.usage, this.#cost)
    const reported = this.#reporter.report({ ...report, usage })
    if (report.status === 'paused') this.signals.align(true, false)
    if (report.status === 'terminated') this.#isEnding = true
    return reported
  }

  /** Reports what the loop did not say itself: a full queue must not end its work. */
  tell(report: Report): void {
    try {
      void this.report(report)
    } catch {}
  }

  async ask(question: Question): Promise<Answer> {
    this.signals.signal.throwIfAborted()
    this.show('requests')
    const answer = this.#questions.ask(question)
    // Without runs there is one loop, which waits; outside of the runs it stands for any of them, as at a checkpoint.
    const { active, isUsed } = this.runs
    const isStopped = (active.size > 0 || !isUsed) && question.status !== false
    return isStopped ? this.signals.stand(answer) : answer
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.link.state.kind === 'closed') return
    this.signals.end(new ClosedError('requested'))
    // Work that closes its agent is over.
    if (this.runs.current) this.runs.end(this.runs.current)
    await atMost(CLOSE_WAIT_MS, this.#settle())
    this.link.end('requested')
  }

  /** Resolves when the work has ended and the server has everything. */
  async #settle(): Promise<void> {
    const flushed = this.#reporter.flush()
    await atMost(WORK_WAIT_MS, this.signals.whenStopped())
    this.signals.settle(this.runs.active.size > 0 ? stillRunning : { outcome: 'done' })
    if (this.signals.signal.reason.reason === 'terminated') this.messages?.failAll(TERMINATED)
    const withdrawn = this.#questions.whenWithdrawn()
    await Promise.all([flushed, this.#reporter.flush(), this.#acks.whenNone(), withdrawn])
  }

  #attached({ agent, last_report, open_requests = [] }: Attached, isOther: boolean): void {
    const isPaused = agent.status === 'paused'
    if (isOther) {
      this.signals.forget(isPaused)
      this.messages?.drop()
      this.#reporter.turn()
    }
    this.signals.align(isPaused, isControlOpen(agent))
    this.#reporter.resume(last_report, agent.status)
    this.#questions.attached(open_requests.map(({ request_id }) => request_id))
    if (agent.status === 'idle') this.#resumed()
  }

  #lost(): void {
    this.#reporter.interrupt()
    this.#questions.lost()
    this.#acks.clear()
  }

  #ended(error: ClosedError): void {
    this.signals.end(error)
    // After the signal: its listeners may still report.
    this.#reporter.end(error)
  }

  #acknowledge(signal_id: string, ack: Ack): void {
    if (!this.link.isAttached) return
    this.#acks.sent(signal_id)
    const frame = { type: 'ack', agent_id: this.agent_id, signal_id, ...ack } as const
    this.link.send(frame, () => this.#acks.answered(signal_id))
  }

  /** A resumed agent is idle, whatever it did before the pause. */
  #resumed(): void {
    if (this.runs.isWorking) this.tell({ status: 'working' })
    this.#questions.resumed()
  }

  #runEnded({ hasBegun, isCompleted }: Run, isLast: boolean): void {
    if (isCompleted) this.tell({ usage: { tasks_completed: 1 } })
    if (hasBegun && isLast) this.tell({ status: 'idle', current_task: null })
    this.signals.look()
  }
}

/** The caller need not handle it. */
function rejectQuietly(error: Error): Promise<never> {
  const rejected = Promise.reject(error)
  rejected.catch(() => {})
  return rejected
}

async function atMost(ms: number, work: Promise<void>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  await Promise.race([late, work])
  clearTimeout(timer)
}

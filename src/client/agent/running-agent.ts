import type { Connection } from '#src/client/connection/connection.ts'
import type { LinkState } from '#src/client/connection/state.ts'
import type { Agent } from '#src/domain/agent.ts'
import { AgentCore, type CoreOptions } from './agent-core.ts'
import { guard } from './guard.ts'
import { bindHandlers, type Handlers } from './handlers.ts'
import type { Identity } from './introduction.ts'
import type { QueuedMessage } from './message-queue.ts'
import { type Answer, isYes, type Question } from './question.ts'
import type { Report } from './report-queue.ts'
import type { Reported } from './reporter.ts'

export type AgentOptions = Handlers<RunningAgent> & CoreOptions

/** One agent that this process runs: it obeys the signals of operators and reports its work. */
export class RunningAgent {
  readonly #core: AgentCore

  /** @internal */
  constructor(connection: Connection, identity: Identity, options: AgentOptions) {
    const handlers = bindHandlers<RunningAgent>(options, this)
    this.#core = new AgentCore(connection, identity, { ...options, handlers })
  }

  /** It changes if another agent has the `external_id` by the time that the client reconnects. */
  get agent_id(): string {
    return this.#core.agent_id || this.details.id
  }

  get state(): LinkState {
    return this.#core.link.state
  }

  /** The agent at its last attach, with its memory. */
  get details(): Agent {
    const { details } = this.#core.link
    if (!details) throw new Error('The agent is not attached yet: wait for runAgent')
    return details
  }

  /** Whether the server created the agent for this program, or found it; undefined for one with an `agent_id`. */
  get registered(): 'created' | 'found' | undefined {
    return this.#core.link.registered
  }

  /** Whether the agent is paused, by an operator, a budget or a report. */
  get isPaused(): boolean {
    return this.#core.signals.isPaused
  }

  /** Whether this is called inside a run. A browser cannot tell: there, whether one is under way. */
  get isInRun(): boolean {
    return this.#core.runs.current !== undefined
  }

  /** Whether messages wait for `takeMessages`. */
  get queuesMessages(): boolean {
    return this.#core.messages !== undefined
  }

  /** Aborts when the agent is terminated, replaced or closed; the reason is a ClosedError. */
  get signal(): AbortSignal {
    return this.#core.signals.signal
  }

  /**
   * For the step that the loop is in. It aborts as `signal` does, and with an InterruptedError when an operator interrupts
   * the agent; after the resume there is a new one. From the first call on, operators see that this agent can be interrupted.
   */
  interruptSignal(): AbortSignal {
    this.#core.show('interrupt')
    return this.#core.signals.step
  }

  /** Waits while the agent is paused. Rejects with the ClosedError of `signal` when the loop must stop. */
  checkpoint(): Promise<void> {
    return this.#core.signals.checkpoint()
  }

  /**
   * A scope for work. It begins when the agent is not paused, and reports `working`. At its end it reports `idle` and, if the
   * work has resolved, one completed task. A terminate is acknowledged when the work has ended, however it ended. Runs side
   * by side count one by one; a run inside another belongs to it. From the first run on, do all work in runs: between them,
   * the agent counts as stopped.
   */
  run<Result>(
    work: () => Result | PromiseLike<Result>,
    { current_task }: { current_task?: string | undefined } = {},
  ): Promise<Result> {
    const start = () => {
      if (current_task !== undefined) this.#core.tell({ current_task })
      return work()
    }
    return this.#core.runs.do(start, () => this.checkpoint())
  }

  /**
   * One step: a checkpoint, then the work, guarded by `interruptSignal`. After an interruption it waits for the resume and
   * does the work again. Rejects with the error of the work, and with the ClosedError of `signal`.
   */
  async step<Result>(work: (signal: AbortSignal) => Result | PromiseLike<Result>): Promise<Result> {
    for (;;) {
      await this.checkpoint()
      const signal = this.interruptSignal()
      try {
        return await guard(Promise.resolve(work(signal)), signal)
      } catch (error) {
        if (error !== signal.reason) throw error
      }
    }
  }

  /**
   * As the promise; but rejects with the reason of `interruptSignal` as soon as that aborts, even if the promise never
   * settles.
   */
  guard<Result>(promise: PromiseLike<Result>): Promise<Result> {
    return guard(promise, this.interruptSignal())
  }

  /**
   * With `messages: 'queue'`: the messages that have arrived since the last call, oldest first. Give them to the model, and
   * call `done` on each: only that acknowledges it. After a close, the next process gets those that are left; when the agent
   * is terminated, they fail.
   */
  takeMessages(): QueuedMessage[] {
    const { messages } = this.#core
    if (!messages) throw new Error("Run the agent with messages: 'queue' to take its messages")
    return messages.take()
  }

  /**
   * Reports, at most once a second: reports in between are joined into one. Resolves when the server has committed it; a
   * caller need not await that, nor handle its rejection. After the end it rejects with the ClosedError. Throws a RangeError
   * for invalid usage, and what `cost` throws.
   */
  report(report: Report): Promise<Reported> {
    return this.#core.report(report)
  }

  /**
   * Asks people, and resolves with the answer, through disconnects; with a `request_id` also through restarts. Rejects with a
   * RefusedError if the server does not take the question, with the reason of `signal` after a withdrawal, and with the
   * ClosedError of the agent's `signal` at its end. In a run, an agent that waits for an answer counts as stopped: a pause is
   * done, and the call resolves after the resume.
   */
  ask(question: Question): Promise<Answer> {
    return this.#core.ask(question)
  }

  /** Asks for a yes. True only if a person gave it: of `options`, one that allows something. */
  async confirm(message: string, question: Omit<Question, 'message'> = {}): Promise<boolean> {
    const reason = question.tool_call ? 'tool_call' : 'confirmation'
    return isYes(await this.ask({ reason, ...question, message }), question.options)
  }

  /** Returns a function that removes the listener. */
  on(name: 'state', listener: (state: LinkState) => void): () => void {
    return this.#core.link.on(name, listener)
  }

  /** Stops running the agent. Resolves when its runs have ended and the server has the last reports, or 3 s later. */
  close(): Promise<void> {
    return this.#core.close()
  }

  /** @internal Resolves at the first attach. */
  whenAttached(): Promise<this> {
    const { promise, resolve, reject } = Promise.withResolvers<this>()
    const look = (state: LinkState) => {
      if (state.kind === 'live') resolve(this)
      else if (state.kind === 'closed') reject(state.error)
    }
    const stop = this.on('state', look)
    look(this.state)
    return promise.finally(stop)
  }
}

import { type StdioOptions, spawn } from 'node:child_process'
import type { RunningAgent } from '#src/client/agent/running-agent.ts'
import type { Signal } from '#src/domain/signal.ts'
import type { Cli } from '../cli.ts'
import { AcpControl } from './acp-control.ts'
import { codeOf, type Ended, toEnded, toFailedStart } from './ended.ts'
import { LastLine } from './last-line.ts'
import { type Identity, Lifeline, toRefusal } from './lifeline.ts'
import { ProcessGroup } from './process-group.ts'
import { type EndingSignal, takeSignals } from './signals.ts'

export type RunOptions = {
  /** Between SIGTERM and SIGKILL. */
  graceMs: number
  restarts: boolean
  reportsLastLine: boolean
  /** The command stops after this long without a link; undefined: it runs on. */
  requireLinkMs: number | undefined
  speaksAcp: boolean
}

/** A restart waits this long, twice as long after each failure, and no longer than a minute. */
const RESTART_MS = { first: 1_000, longest: 60_000 }
/** A command that ran this long was not the failure of its start. */
const GOOD_AFTER_MS = 60_000
/** How long processes that the command has left may take to end by themselves, such as the end of a pipeline. */
const LEFT_BEHIND_MS = 1_000

/** Why the command stands still. It runs when there is no reason left. */
type Reason = 'order' | 'link' | 'terminal'

/**
 * Runs a command as an agent. The command's processes stand still while there is a reason, and are ended by a terminate, by
 * a signal to this program, or by the command itself.
 */
export class Supervisor {
  readonly #cli: Cli
  readonly #command: readonly [string, ...string[]]
  readonly #options: RunOptions
  readonly #external_id: string
  readonly #line: Lifeline
  readonly #reasons = new Set<Reason>()
  readonly #output = new LastLine()
  /** For an agent that is controlled by its prompts. */
  readonly #acp: AcpControl | undefined
  #group: ProcessGroup | undefined
  /** The exit code of a command that will not be started (again). */
  #leaving: number | undefined
  #isTerminated = false
  #linkTimer: NodeJS.Timeout | undefined
  #isWarned = false
  /** Resolves when a start may have become possible or needless. */
  #changed = Promise.withResolvers<void>()

  constructor(cli: Cli, identity: Identity, command: readonly [string, ...string[]], options: RunOptions) {
    this.#cli = cli
    this.#command = command
    this.#options = options
    this.#external_id = identity.external_id
    this.#line = new Lifeline(cli, identity, {
      // An agent that is controlled by its prompts obeys them at its checkpoint.
      ...(!options.speaksAcp && {
        onPause: () => this.#stand('order'),
        onResume: () => this.#resume(),
      }),
      onTerminate: ({ mode }: Signal) => this.#terminate(mode === 'now' ? 0 : options.graceMs),
      live: (agent) => this.#linked(agent),
      offline: (why) => this.#unlinked(why),
      ended: (error) => this.#cut(error),
    })
    this.#acp = options.speaksAcp ? new AcpControl(this.#line) : undefined
  }

  /** Resolves with the exit code of this program. Rejects if Signalbox refuses the agent; then nothing was started. */
  async run(): Promise<number> {
    await this.#line.open().catch((error) => {
      throw toRefusal(error, this.#external_id)
    })
    const leave = takeSignals({
      end: (signal) => this.#end(signal),
      forward: (signal) => void this.#group?.forward(signal),
      suspend: () => this.#stand('terminal'),
      continued: () => void this.#go('terminal'),
    })
    const kill = () => this.#group?.killNow()
    // Otherwise a reader that has gone would end this program before its command.
    process.stdout.removeAllListeners('error').on('error', () => {})
    process.once('exit', kill)
    try {
      const { code, task } = await this.#runToTheEnd()
      clearTimeout(this.#linkTimer)
      if (!this.#isTerminated && !(await this.#line.end(task === undefined ? {} : { current_task: task })))
        this.#note('Signalbox has not heard that the command ended: it shows the agent as it was')
      return code
    } finally {
      await this.#line.close()
      process.off('exit', kill)
      leave()
    }
  }

  async #runToTheEnd(): Promise<Ended> {
    for (let failures = 0; ; failures++) {
      const variables = await this.#line.variables()
      while (!this.#acp && this.#reasons.size > 0 && this.#leaving === undefined) await this.#changed.promise
      if (this.#leaving !== undefined) return { code: this.#leaving }
      const startedAt = performance.now()
      const ended = await this.#runOnce(variables)
      const isOver = ended.code === 0 || ended.isFinal || this.#leaving !== undefined
      if (isOver || !this.#options.restarts) return ended
      if (performance.now() - startedAt >= GOOD_AFTER_MS) failures = 0
      await this.#waitToRestart(ended, Math.min(RESTART_MS.first * 2 ** failures, RESTART_MS.longest))
    }
  }

  async #waitToRestart({ task }: Ended, ms: number): Promise<void> {
    const plan = `${task}; it starts again in ${ms / 1_000} s`
    this.#note(plan)
    this.#line.report({ status: 'idle', current_task: plan })
    const until = performance.now() + ms
    for (let left = ms; left > 0 && this.#leaving === undefined; left = until - performance.now()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, left)
      await Promise.race([promise, this.#changed.promise])
      clearTimeout(timer)
    }
  }

  async #runOnce(variables: Record<string, string>): Promise<Ended> {
    const [program, ...args] = this.#command
    const child = spawn(program, args, {
      // A session of its own, which only Signalbox's signals reach.
      detached: true,
      stdio: this.#stdio,
      env: { ...withoutCredentials(process.env), ...variables },
    } satisfies { stdio: StdioOptions; detached: boolean; env: NodeJS.ProcessEnv })
    const { promise, resolve } = Promise.withResolvers<Ended>()
    child.once('error', (error) => resolve(toFailedStart(program, error)))
    child.once('exit', (code, signal) => resolve(toEnded(code, signal)))
    if (child.pid === undefined) return this.#failToStart(await promise)
    const group = new ProcessGroup(child.pid)
    this.#group = group
    if (!this.#acp) this.#line.report({ status: 'working', current_task: null })
    const drained = this.#acp
      ? this.#acp.start(child)
      : this.#output.follow(child, (task) => this.#line.report({ current_task: task }))
    const ended = await promise
    if (!(await group.hasEndedWithin(LEFT_BEHIND_MS))) await group.end('SIGTERM', this.#options.graceMs)
    await drained
    this.#group = undefined
    const { text } = this.#output
    return ended.task && text !== '' ? { ...ended, task: `${ended.task}: ${text}` } : ended
  }

  #failToStart(ended: Ended): Ended {
    this.#note(ended.task ?? '')
    return ended
  }

  get #stdio(): StdioOptions {
    if (this.#acp) return ['pipe', 'pipe', 'inherit']
    return this.#options.reportsLastLine ? ['inherit', 'pipe', 'pipe'] : 'inherit'
  }

  async #resume(): Promise<void> {
    await this.#go('order')
    if (this.#group) this.#line.report({ status: 'working' })
  }

  get #brake(): AcpControl | ProcessGroup | undefined {
    return this.#acp ?? this.#group
  }

  async #stand(reason: Reason): Promise<void> {
    this.#reasons.add(reason)
    await this.#brake?.stop()
  }

  async #go(reason: Reason): Promise<void> {
    this.#reasons.delete(reason)
    // Also if nothing has changed: another program may have continued the command.
    if (this.#reasons.size > 0) return this.#brake?.stop()
    this.#wake()
    await this.#brake?.continue()
  }

  async #terminate(graceMs: number): Promise<void> {
    this.#isTerminated = true
    this.#leave('SIGTERM')
    await this.#group?.end('SIGTERM', graceMs)
  }

  /** Ctrl-C is the program's own matter, unless it stands still; a service manager's SIGTERM ends it in any case. */
  #end(signal: EndingSignal): void {
    this.#leave(signal)
    const isOwnMatter = (signal === 'SIGINT' || signal === 'SIGQUIT') && this.#reasons.size === 0
    if (isOwnMatter) void this.#group?.forward(signal)
    else
      void this.#group?.end(signal, this.#options.graceMs).catch(({ message }: Error) => this.#note(message))
  }

  #leave(signal: EndingSignal): void {
    this.#leaving ??= codeOf(signal)
    this.#wake()
  }

  #wake(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  #linked(agent: RunningAgent): void {
    clearTimeout(this.#linkTimer)
    this.#linkTimer = undefined
    if (this.#isWarned) this.#note('Signalbox can be reached again')
    this.#isWarned = false
    this.#reasons.delete('link')
    void this.#acp?.follow(agent)
    const isIdle = agent.details.status === 'idle'
    if (this.#group && isIdle && !this.#acp) this.#line.report({ status: 'working' })
    const follow = agent.isPaused && !this.#acp ? this.#stand('order') : this.#go('order')
    follow.catch(({ message }: Error) => this.#note(message))
  }

  #unlinked(why: string): void {
    if (!this.#isWarned) this.#note(`${why}: the command runs on, and the link is restored when it can be`)
    this.#isWarned = true
    this.#startLinkTimer()
  }

  /** An agent that was terminated while there was no link is ended as by the order. */
  #cut(error: Error): void {
    if (this.#isTerminated || this.#leaving !== undefined) return
    if ('reason' in error && error.reason === 'terminated') {
      this.#note('The agent was terminated')
      void this.#terminate(this.#options.graceMs).catch(({ message }: Error) => this.#note(message))
    } else {
      this.#note(`${error.message}: the command runs on, and Signalbox does not control it any more`)
      this.#startLinkTimer('for good, since it has lost its link')
    }
  }

  #startLinkTimer(until = 'until Signalbox can be reached'): void {
    const { requireLinkMs } = this.#options
    if (requireLinkMs === undefined || this.#linkTimer || this.#reasons.has('link')) return
    const stand = () => {
      this.#note(`The command stands still ${until} (--require-link)`)
      this.#stand('link').catch(({ message }: Error) => this.#note(message))
    }
    if (requireLinkMs === 0) stand()
    else this.#linkTimer = setTimeout(stand, requireLinkMs)
  }

  #note(text: string): void {
    this.#cli.note(`signalbox: ${text}`)
  }
}

function withoutCredentials({
  SIGNALBOX_TOKEN: _,
  SIGNALBOX_AGENT_ID: __,
  ...others
}: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return others
}

/** What one call of `run` spans, with the runs that are started inside it. */
export type Run = {
  /** Its own call of `run`, and those inside it. */
  calls: number
  /** Its work has started: until then it waits while the agent is paused. */
  hasBegun: boolean
  isCompleted: boolean
}

type Events = {
  /** The first of the runs under way has begun. */
  begun: () => void
  /** `isLast`: none is at work any more. */
  ended: (run: Run, isLast: boolean) => void
}

/** The runs that a piece of code is in: one of each agent at most. */
type Inside = ReadonlyMap<Runs, Run>
type Context = { run<Result>(inside: Inside, work: () => Result): Result; getStore(): Inside | undefined }
type Platform = {
  process?: { getBuiltinModule?: (name: string) => { AsyncLocalStorage: new () => Context } | undefined }
}

/** Browsers have none. One for all agents: in Node 22 each of them makes every promise slower. */
const context = makeContext(globalThis as Platform)

function makeContext({ process }: Platform): Context | undefined {
  const hooks = process?.getBuiltinModule?.('node:async_hooks')
  return hooks && new hooks.AsyncLocalStorage()
}

/** The runs of one agent that are under way. */
export class Runs {
  readonly #events: Events
  readonly #active = new Set<Run>()
  #isUsed = false

  constructor(events: Events) {
    this.#events = events
  }

  get active(): ReadonlySet<Run> {
    return this.#active
  }

  /** There was one. From then on all work of the agent is in runs. */
  get isUsed(): boolean {
    return this.#isUsed
  }

  get isWorking(): boolean {
    return [...this.#active].some(({ hasBegun }) => hasBegun)
  }

  /** The run that this is called in. A browser cannot tell: there, it is the one under way. */
  get current(): Run | undefined {
    if (!context) return [...this.#active].at(-1)
    const run = context.getStore()?.get(this)
    return run && this.#active.has(run) ? run : undefined
  }

  /** Does the work once `pass` has resolved, in a run of its own or in the one that it is called in. */
  async do<Result>(work: () => Result | PromiseLike<Result>, pass: () => Promise<void>): Promise<Result> {
    const outer = this.current
    const run = outer ?? { calls: 0, hasBegun: false, isCompleted: false }
    this.#isUsed = true
    this.#active.add(run)
    run.calls++
    try {
      const result = await this.#enter(run, async () => {
        await pass()
        this.#begin(run)
        return work()
      })
      if (!outer) run.isCompleted = true
      return result
    } finally {
      run.calls--
      if (run.calls === 0) this.end(run)
    }
  }

  /** Ends the run, if it has not ended yet. */
  end(run: Run): void {
    if (this.#active.delete(run)) this.#events.ended(run, !this.isWorking)
  }

  #enter<Result>(run: Run, work: () => Result): Result {
    if (!context) return work()
    const others = [...(context.getStore() ?? [])].filter(([runs, other]) => runs.active.has(other))
    return context.run(new Map([...others, [this, run]]), work)
  }

  #begin(run: Run): void {
    const wasWorking = this.isWorking
    run.hasBegun = true
    if (!wasWorking) this.#events.begun()
  }
}

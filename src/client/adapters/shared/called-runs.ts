import type { RunningAgent } from '#src/client/agent/running-agent.ts'

const MAX_TASK = 200

/** Runs of an agent whose beginning and end a framework tells by callbacks. */
export class CalledRuns {
  readonly #agent: RunningAgent
  readonly #open = new Map<string, PromiseWithResolvers<void>>()

  constructor(agent: RunningAgent) {
    this.#agent = agent
  }

  /** Resolves when the run has begun, or never will. A call inside another run belongs to that one. */
  begin(id: string, task: string | undefined): Promise<void> {
    if (this.#agent.isInRun) return Promise.resolve()
    const work = Promise.withResolvers<void>()
    // Where the run has not begun, nothing else handles it.
    work.promise.catch(() => {})
    this.#open.set(id, work)
    const { promise: begun, resolve } = Promise.withResolvers<void>()
    const start = () => {
      resolve()
      return work.promise
    }
    this.#agent.run(start, { current_task: task && shorten(task) }).then(resolve, () => resolve())
    return begun
  }

  /** With an error, the run counts as no completed task. */
  end(id: string, error?: Error): void {
    const work = this.#open.get(id)
    this.#open.delete(id)
    if (error) work?.reject(error)
    else work?.resolve()
  }
}

/** The first line, for people to read at a glance. */
export function shorten(text: string): string {
  const [line = ''] = text.trim().split('\n')
  const characters = [...line]
  return characters.length > MAX_TASK ? `${characters.slice(0, MAX_TASK - 1).join('')}…` : line
}

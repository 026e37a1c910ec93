import { setTimeout as sleep } from 'node:timers/promises'
import { listProcesses, type Process, stateOf } from './processes.ts'

/** Between two looks at processes that are to stop or end: the longest wait is after many looks. */
const LOOK_MS = { first: 5, longest: 100 }
/** A process that has not stopped or died by then waits for a device, or belongs to another user. */
const OBEY_MS = 10_000
/** While the group is stopped: another program may have continued a process of it. */
const GUARD_EVERY_MS = 1_000

/**
 * A command and all its processes: those of its session, whatever their group, and the descendants of its members, as long
 * as their parents live. The command leads the session and the first group.
 */
export class ProcessGroup {
  readonly #leader: number
  /** When each member was started, by its pid: a parent may end before its children. */
  readonly #known = new Map<number, string>()
  #wanted: 'running' | 'stopped' | 'ended' = 'running'
  #guard: NodeJS.Timeout | undefined
  #isOver = false

  constructor(leader: number) {
    this.#leader = leader
  }

  /** Resolves when every process is stopped, or at once when another wish has replaced this one. */
  async stop(): Promise<void> {
    if (this.#wanted === 'ended') return
    this.#wanted = 'stopped'
    this.#guard ??= setInterval(() => void this.#stopAll(), GUARD_EVERY_MS)
    await this.#until(OBEY_MS, 'stop', async () => {
      if (this.#wanted !== 'stopped') return []
      return this.#stopAll()
    })
  }

  async continue(): Promise<void> {
    if (this.#wanted !== 'stopped') return
    this.#wanted = 'running'
    this.#leaveGuard()
    this.#signal('SIGCONT', await this.#living())
  }

  /** Sends a signal to all that live. A stopped process gets it when it continues. */
  async forward(signal: NodeJS.Signals): Promise<void> {
    this.#signal(signal, await this.#living())
  }

  /** Sends the signal, and SIGKILL to what still lives after `graceMs`; 0 kills at once. Resolves when none lives. */
  async end(signal: NodeJS.Signals, graceMs: number): Promise<void> {
    this.#wanted = 'ended'
    this.#leaveGuard()
    if (graceMs > 0 && (await this.#endsBy(signal, graceMs))) return
    await this.#until(OBEY_MS, 'end', async () => {
      const living = await this.#living()
      this.#signal('SIGKILL', living)
      return living
    })
  }

  /** Once: programs take a second signal for impatience, and what they start to clean up must not get it at all. */
  async #endsBy(signal: NodeJS.Signals, graceMs: number): Promise<boolean> {
    this.#signal(signal, await this.#living())
    const left = await this.#look(graceMs, async () => {
      const living = await this.#living()
      // A stopped process would never get it.
      this.#signal('SIGCONT', living)
      return living
    })
    return left.length === 0
  }

  /** Resolves with whether none lives, after `ms` at the latest. */
  async hasEndedWithin(ms: number): Promise<boolean> {
    return (await this.#look(ms, () => this.#living())).length === 0
  }

  /** For the last moment of this program, in which nothing can be waited for. */
  killNow(): void {
    if (!this.#isOver) send(-this.#leader, 'SIGKILL')
    for (const pid of this.#isOver ? [] : this.#known.keys()) send(pid, 'SIGKILL')
  }

  async #stopAll(): Promise<Process[]> {
    if (this.#wanted !== 'stopped') return []
    const running = (await this.#living()).filter((process) => stateOf(process) === 'running')
    if (this.#wanted !== 'stopped') return []
    this.#signal('SIGSTOP', running)
    return running
  }

  /** Members that are not dead. Once there is none, another program may get the same ids. */
  async #living(): Promise<Process[]> {
    if (this.#isOver) return []
    const members = this.#members(await listProcesses())
    for (const { pid, started } of members) this.#known.set(pid, started)
    const living = members.filter((process) => stateOf(process) !== 'dead')
    if (living.length === 0) {
      this.#isOver = true
      this.#leaveGuard()
    }
    return living
  }

  #members(all: readonly Process[]): Process[] {
    const children = Map.groupBy(all, ({ parent }) => parent)
    const found = new Map<number, Process>()
    const add = (process: Process) => {
      if (found.has(process.pid)) return
      found.set(process.pid, process)
      for (const child of children.get(process.pid) ?? []) add(child)
    }
    for (const process of all) if (this.#leads(process) || this.#isKnown(process)) add(process)
    return [...found.values()]
  }

  #leads({ pid, group, session }: Process): boolean {
    return pid === this.#leader || group === this.#leader || session === this.#leader
  }

  #isKnown({ pid, started }: Process): boolean {
    return started !== '' && this.#known.get(pid) === started
  }

  /** The first group as one, so that none of it starts another process in between; then those that have left it. */
  #signal(signal: NodeJS.Signals, processes: readonly Process[]): void {
    const isOf = ({ group }: Process) => group === this.#leader
    if (processes.some(isOf)) send(-this.#leader, signal)
    for (const process of processes) if (!isOf(process)) send(process.pid, signal)
  }

  async #until(ms: number, verb: string, look: () => Promise<Process[]>): Promise<void> {
    const left = await this.#look(ms, look)
    const [{ pid, name } = { pid: 0, name: '' }, ...others] = left
    if (left.length === 0) return
    const more = others.length > 0 ? ` and ${others.length} more` : ''
    throw new Error(`Process ${pid} (${name})${more} did not ${verb} within ${ms / 1_000} s`)
  }

  /** Looks until nothing is left, and resolves with what is left after `ms`. */
  async #look(ms: number, look: () => Promise<Process[]>): Promise<Process[]> {
    const until = performance.now() + ms
    let left = await look()
    for (let waitMs = LOOK_MS.first; left.length > 0; waitMs = Math.min(2 * waitMs, LOOK_MS.longest)) {
      const restMs = until - performance.now()
      if (restMs <= 0) break
      await sleep(Math.min(waitMs, restMs))
      left = await look()
    }
    return left
  }

  #leaveGuard(): void {
    clearInterval(this.#guard)
    this.#guard = undefined
  }
}

/** A process that has ended needs no signal, and one of another user takes none: the next look shows it. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {}
}

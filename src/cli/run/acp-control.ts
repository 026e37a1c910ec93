import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningAgent } from '#src/client/agent/running-agent.ts'
import { AcpBridge } from './acp-bridge.ts'
import type { Lifeline } from './lifeline.ts'

/** Between two looks at whether the agent is paused. A pause is done when no turn is under way, however long that takes. */
const LOOK_EVERY_MS = 100

/** Controls an agent that speaks the Agent Client Protocol by its prompts: its processes run on. */
export class AcpControl {
  readonly #line: Lifeline
  #bridge: AcpBridge | undefined
  /** There has been no link for too long. */
  #isCutOff = false
  #following: RunningAgent | undefined

  constructor(line: Lifeline) {
    this.#line = line
  }

  /** Resolves when the agent says nothing more. */
  async start({ stdin, stdout }: ChildProcess): Promise<void> {
    if (!stdin || !stdout) return
    const actions = {
      ask: this.#line.ask.bind(this.#line),
      report: this.#line.report.bind(this.#line),
      isHeld: () => this.#isCutOff || this.#line.isPaused,
    }
    const client = { from: process.stdin, to: process.stdout }
    this.#bridge = new AcpBridge(actions, { client, agent: { from: stdout, to: stdin } })
    await this.#bridge.run()
  }

  async stop(): Promise<void> {
    this.#isCutOff = true
  }

  async continue(): Promise<void> {
    this.#isCutOff = false
    await this.#bridge?.release()
  }

  /**
   * Obeys until the end of the agent. Waiting at its checkpoint says that the agent has stopped, and a newer order ends a
   * pause that was not reached: so a resume is never held up by a long turn.
   */
  async follow(agent: RunningAgent): Promise<void> {
    if (this.#following === agent) return
    this.#following = agent
    let wasPaused = false
    while (!agent.signal.aborted) {
      if (agent.interruptSignal().aborted) this.#bridge?.interrupt()
      if (agent.isPaused && !this.#bridge?.isBusy) await agent.checkpoint().catch(() => {})
      else if (agent.isPaused || !wasPaused) await sleep(LOOK_EVERY_MS, undefined, { ref: false })
      const isPaused = agent.isPaused
      if (wasPaused && !isPaused && this.#bridge?.isBusy) agent.report({ status: 'working' }).catch(() => {})
      if (!isPaused) await this.#bridge?.release()
      wasPaused = isPaused
    }
  }
}

import type { Readable, Writable } from 'node:stream'
import type { Answer, Question } from '#src/client/agent/question.ts'
import type { Report } from '#src/client/agent/report-queue.ts'
import { toLine } from '../text.ts'
import {
  keyOf,
  parseLine,
  type RpcId,
  type RpcMessage,
  type RpcParams,
  readLines,
  writeLine,
} from './acp-lines.ts'
import { Permissions } from './acp-permissions.ts'
import { SessionCosts, toUsage } from './acp-usage.ts'

type Actions = {
  ask: (question: Question) => Promise<Answer>
  report: (report: Report) => void
  /** Whether the next prompt waits. */
  isHeld: () => boolean
}
/** `from`: what it says; `to`: what it hears. */
type Side = { from: Readable; to: Writable }

type Turn = { sessionId: string; isCancelled: boolean }
type HeldPrompt = { id: RpcId; line: Buffer; params: RpcParams }

/** Prompts that wait; a client has one for each session. One more is answered with an error. */
const MAX_HELD = 100
const MAX_TASK = 500
/** As the protocol has them. */
const INTERNAL_ERROR = -32_603

/**
 * Between a client and an agent that speak the Agent Client Protocol. It holds prompts back, cancels turns, and takes part in
 * the answers to the agent's questions; every other line passes as the bytes that it is.
 */
export class AcpBridge {
  readonly #actions: Actions
  readonly #client: Side
  readonly #agent: Side
  readonly #permissions: Permissions
  readonly #costs = new SessionCosts()
  /** Prompts that the agent has not answered, by their ids. */
  readonly #prompts = new Map<string, Turn>()
  /** In version 2 of the protocol, a prompt is answered at once, and the session says when it is idle. */
  readonly #sessions = new Map<string, Turn>()
  #held: HeldPrompt[] = []

  constructor(actions: Actions, { client, agent }: { client: Side; agent: Side }) {
    this.#actions = actions
    this.#client = client
    this.#agent = agent
    this.#permissions = new Permissions(actions.ask, (id, outcome) => {
      void writeLine(agent.to, { id, result: { outcome } })
      void writeLine(client.to, { method: '$/cancel_request', params: { requestId: id } })
    })
    // A side that has gone hears nothing more; its end shows in what it says.
    for (const { to } of [client, agent]) to.on('error', () => {})
  }

  /** Whether the agent works on a prompt. */
  get isBusy(): boolean {
    return this.#prompts.size + this.#sessions.size > 0
  }

  /** Resolves when the agent says nothing more. */
  async run(): Promise<void> {
    // What the client says ends with the agent's input; a client that says nothing keeps nothing open.
    void this.#readClient().catch(() => this.#agent.to.destroy())
    try {
      for await (const line of readLines(this.#agent.from)) {
        if (this.#hearAgent(parseLine(line))) await writeLine(this.#client.to, line)
      }
    } finally {
      this.#permissions.end()
      this.#client.from.destroy()
    }
  }

  async #readClient(): Promise<void> {
    for await (const line of readLines(this.#client.from)) {
      if (this.#hearClient(parseLine(line), line)) await writeLine(this.#agent.to, line)
    }
    this.#agent.to.end()
  }

  /** Sends what was held back, unless it is to wait still. */
  async release(): Promise<void> {
    while (!this.#actions.isHeld()) {
      const next = this.#held.shift()
      if (!next) return
      this.#begin(next.id, next.params)
      await writeLine(this.#agent.to, next.line)
    }
  }

  /** Cancels every turn, once. The agent answers when it has stopped. */
  interrupt(): void {
    for (const turn of [...this.#prompts.values(), ...this.#sessions.values()]) {
      if (turn.isCancelled) continue
      turn.isCancelled = true
      const { sessionId } = turn
      void writeLine(this.#agent.to, { method: 'session/cancel', params: { sessionId } })
      this.#permissions.cancelAll(sessionId)
    }
  }

  /** Whether the line goes on to the agent. */
  #hearClient(message: RpcMessage | undefined, line: Buffer): boolean {
    const { id, method, params } = message ?? {}
    if (method === undefined) return id === undefined || this.#permissions.takesFromClient(id)
    if (method === 'session/prompt' && id !== undefined && params) return this.#prompted({ id, line, params })
    if (method === 'session/cancel')
      this.#drop(({ params: { sessionId } }) => sessionId === params?.sessionId)
    if (method === '$/cancel_request' && params?.requestId !== undefined) {
      const key = keyOf(params.requestId)
      if (this.#drop((held) => keyOf(held.id) === key)) return false
    }
    if (method === 'session/load' || method === 'session/resume') this.#costs.resumed(params?.sessionId ?? '')
    if (method === 'session/close') this.#costs.closed(params?.sessionId ?? '')
    return true
  }

  #prompted(prompt: HeldPrompt): boolean {
    if (!this.#actions.isHeld() && this.#held.length === 0) {
      this.#begin(prompt.id, prompt.params)
      return true
    }
    if (this.#held.length < MAX_HELD) this.#held.push(prompt)
    else {
      const error = {
        code: INTERNAL_ERROR,
        message: 'The agent is paused in Signalbox, and too many prompts wait',
      }
      void writeLine(this.#client.to, { id: prompt.id, error })
    }
    return false
  }

  /** Answers held prompts that the client does not want any more. The agent never had them. */
  #drop(isMeant: (held: HeldPrompt) => boolean): boolean {
    const dropped = this.#held.filter(isMeant)
    this.#held = this.#held.filter((held) => !isMeant(held))
    for (const { id } of dropped) {
      void writeLine(this.#client.to, { id, result: { stopReason: 'cancelled' } })
    }
    return dropped.length > 0
  }

  #begin(id: RpcId, { sessionId = '', prompt }: RpcParams): void {
    this.#prompts.set(keyOf(id), { sessionId, isCancelled: false })
    const text = prompt.find((block) => block.text !== undefined)?.text ?? ''
    const current_task = [...toLine(text).trim()].slice(0, MAX_TASK).join('')
    this.#actions.report({ status: 'working', current_task })
  }

  /** Whether the line goes on to the client. */
  #hearAgent(message: RpcMessage | undefined): boolean {
    const { id, method, params } = message ?? {}
    if (message && method === undefined && id !== undefined) this.#answered(id, message)
    if (method === 'session/request_permission' && id !== undefined && params)
      this.#permissions.asked(id, params)
    if (method === '$/cancel_request' && params?.requestId !== undefined) {
      this.#permissions.cancelledByAgent(params.requestId)
    }
    if (method === 'session/update' && params?.update) this.#updated(params.sessionId ?? '', params.update)
    return true
  }

  #answered(id: RpcId, { result }: RpcMessage): void {
    const turn = this.#prompts.get(keyOf(id))
    if (!turn) return
    this.#prompts.delete(keyOf(id))
    if (result && result.stopReason === undefined) this.#sessions.set(turn.sessionId, turn)
    else this.#ended(result ?? { stopReason: 'cancelled' })
  }

  #updated(sessionId: string, { sessionUpdate, state, ...update }: NonNullable<RpcParams['update']>): void {
    const usage = update.cost && this.#costs.add(sessionId, update.cost)
    if (usage) this.#actions.report({ usage })
    if (sessionUpdate !== 'state_update' || state !== 'idle' || !this.#sessions.delete(sessionId)) return
    this.#ended({ stopReason: update.stopReason, usage: update.usage })
  }

  #ended(result: NonNullable<RpcMessage['result']>): void {
    const rest = this.isBusy ? {} : ({ status: 'idle', current_task: null } as const)
    this.#actions.report({ ...rest, usage: toUsage(result) })
  }
}

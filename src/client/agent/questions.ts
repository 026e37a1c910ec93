import { type ClosedError, RefusedError } from '#src/client/connection/errors.ts'
import type { Outgoing, Reply } from '#src/client/connection/socket.ts'
import type { AgentStatus } from '#src/domain/lifecycle.ts'
import type { Signal } from '#src/domain/signal.ts'
import type { ServerMessage } from '#src/protocol/messages/down.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { type Answer, type Question, toAnswer } from './question.ts'
import { type Entry, expired, isOver, isUnsent, newEntry, type Waiter } from './question-entry.ts'

type Line = {
  send: (message: WithoutAgent, onReply: Reply) => void
  /** Sends what was reported so far. Resolves when it is committed, so that the question comes after it. */
  hurry: () => Promise<void>
  report: (status: AgentStatus) => void
}
type WithoutAgent = Omit<Extract<Outgoing, { type: 'request' }>, 'agent_id'> | Omit<Withdraw, 'agent_id'>
type Withdraw = Extract<Outgoing, { type: 'withdraw' }>

/** Questions of one agent that wait here; one more throws a RangeError. The server takes 100 open ones. */
const MAX_QUESTIONS = 200
/** How long to wait before asking again a server that could not take a question. */
const ASK_AGAIN_MS = 1_000

/** The question itself is wrong; after any other refusal it is asked again. */
const wrong: readonly string[] = ['VAL_001', 'VAL_006', 'AUTH_004']

/** The questions of one agent to people, through disconnects and restarts. Each is sent until the server has it. */
export class Questions {
  readonly #line: Line
  readonly #entries = new Map<string, Entry>()
  /** Those that were open at the attach, also from an earlier process. */
  #open = new Set<string>()
  readonly #withdrawals = new Acknowledgements()
  #isAttached = false
  #isPumping = false
  #again: ReturnType<typeof setTimeout> | undefined

  constructor(line: Line) {
    this.#line = line
  }

  /** Rejects with the reason of the question's signal, a RefusedError or a ClosedError. */
  ask(question: Question): Promise<Answer> {
    const { signal } = question
    if (signal?.aborted) return Promise.reject(signal.reason)
    const entry = this.#find(question)
    const waiter = Promise.withResolvers<Answer>()
    entry.waiters.add(waiter)
    const stop = () => this.#leave(entry, waiter, signal?.reason)
    signal?.addEventListener('abort', stop)
    this.#pump()
    return waiter.promise.finally(() => signal?.removeEventListener('abort', stop))
  }

  /** The agent is attached, for the first time or again, with these open requests. */
  attached(request_ids: readonly string[]): void {
    this.#isAttached = true
    this.#open = new Set(request_ids)
    for (const entry of this.#entries.values()) {
      if (entry.state !== 'new') entry.state = this.#open.has(entry.asked.request_id) ? 'open' : 'lost'
      if (entry.waiters.size === 0) this.#withdraw(entry)
    }
    this.#pump()
  }

  /** The agent is idle after a pause, though it waits for an answer. */
  resumed(): void {
    const waiting = [...this.#entries.values()].find(
      ({ state, waiters }) => state === 'open' && waiters.size > 0,
    )
    if (waiting) this.#wait(waiting)
  }

  /** No replies come any more. */
  lost(): void {
    this.#stop()
    this.#withdrawals.clear()
  }

  /** The answer that a signal brings. Without a waiting call the server still has it, for a process that asks again. */
  answered({ payload }: Signal): void {
    const { request_id, ...answer } = payload as Answer & { request_id: string }
    this.#open.delete(request_id)
    const entry = this.#entries.get(request_id)
    if (entry) this.#resolve(entry, answer)
  }

  /** Rejects all. If only this process ends, not the agent, questions that can't be asked again are withdrawn. */
  end(error: ClosedError): void {
    for (const entry of this.#entries.values()) {
      if (error.reason === 'requested' && entry.isAnonymous && entry.state !== 'new') this.#withdraw(entry)
      for (const { reject } of entry.waiters) reject(error)
    }
    this.#entries.clear()
    this.#stop()
  }

  /** Resolves when the server has answered every withdrawal. */
  whenWithdrawn(): Promise<void> {
    return this.#withdrawals.whenNone()
  }

  #stop(): void {
    this.#isAttached = false
    clearTimeout(this.#again)
  }

  #find(question: Question): Entry {
    const entry = newEntry(question)
    const { request_id } = entry.asked
    const known = this.#entries.get(request_id)
    if (known) return known
    if (this.#entries.size >= MAX_QUESTIONS) {
      throw new RangeError(`The agent has ${MAX_QUESTIONS} questions: await the answers of some`)
    }
    this.#entries.set(request_id, entry)
    return entry
  }

  /** Sends the questions that the server may not have, each after the reports before it. */
  #pump(): void {
    const unsent = [...this.#entries.values()].filter(isUnsent)
    if (this.#isPumping || !this.#isAttached || unsent.length === 0) return
    this.#isPumping = true
    void this.#line.hurry().then(() => {
      this.#isPumping = false
      if (!this.#isAttached) return
      for (const entry of unsent) if (isUnsent(entry) && this.#has(entry)) this.#send(entry)
      this.#pump()
    })
  }

  #send(entry: Entry): void {
    // From before a restart: the server has it, and would not take another status with it.
    if (entry.state === 'new' && this.#open.has(entry.asked.request_id)) {
      entry.state = 'open'
      return this.#wait(entry)
    }
    entry.state = 'sent'
    const status = entry.setsStatus ? ({ status: 'waiting' } as const) : {}
    try {
      this.#line.send({ type: 'request', ...entry.asked, ...status }, (reply) => this.#replied(entry, reply))
    } catch (error) {
      this.#reject(entry, error as Error)
    }
  }

  #replied(entry: Entry, reply: ServerMessage): void {
    if (!this.#has(entry)) return
    if (reply.type === 'requested') {
      const answer = toAnswer(reply.request)
      if (answer) return this.#resolve(entry, answer)
      entry.state = 'open'
      if (reply.status_rejected !== undefined) this.#wait(entry)
    } else if (reply.type === 'error') {
      if (reply.field === 'expires_at' && isOver(entry)) return this.#resolve(entry, expired)
      if (wrong.includes(reply.code)) return this.#reject(entry, new RefusedError(reply))
      entry.state = 'lost'
      this.#askAgain()
    }
  }

  /** A loop that asks is at work, and only an agent at work can wait: two reports, which must not be joined. */
  #wait(entry: Entry): void {
    if (!entry.setsStatus) return
    this.#line.report('working')
    void this.#line.hurry().then(() => {
      if (!this.#has(entry) || entry.waiters.size === 0) return
      this.#line.report('waiting')
      void this.#line.hurry()
    })
  }

  #leave(entry: Entry, waiter: Waiter, reason: unknown): void {
    waiter.reject(reason)
    if (!entry.waiters.delete(waiter) || entry.waiters.size > 0 || !this.#has(entry)) return
    this.#goOn(entry)
    if (entry.state === 'new') this.#entries.delete(entry.asked.request_id)
    else this.#withdraw(entry)
  }

  #withdraw(entry: Entry): void {
    if (!this.#isAttached) return
    const { request_id } = entry.asked
    this.#withdrawals.sent(request_id)
    this.#line.send({ type: 'withdraw', request_id }, (reply) => {
      this.#withdrawals.answered(request_id)
      if (!this.#has(entry)) return
      if (reply.type === 'withdrawn') this.#withdrawn(entry, toAnswer(reply.request))
      else if (reply.type === 'error' && reply.code === 'SYS_002') this.#withdrawn(entry, undefined)
      else this.#askAgain()
    })
  }

  /** Without an answer, the server never had the question. It may have been asked again since. */
  #withdrawn(entry: Entry, answer: Answer | undefined): void {
    this.#open.delete(entry.asked.request_id)
    if (answer) return this.#resolve(entry, answer)
    if (entry.waiters.size === 0) this.#entries.delete(entry.asked.request_id)
    entry.state = 'new'
    this.#pump()
  }

  #askAgain(): void {
    clearTimeout(this.#again)
    this.#again = setTimeout(() => {
      for (const entry of this.#entries.values()) if (entry.waiters.size === 0) this.#withdraw(entry)
      this.#pump()
    }, ASK_AGAIN_MS)
  }

  #resolve(entry: Entry, answer: Answer): void {
    this.#entries.delete(entry.asked.request_id)
    if (entry.waiters.size > 0) this.#goOn(entry)
    for (const { resolve } of entry.waiters) resolve(answer)
  }

  #reject(entry: Entry, error: Error): void {
    this.#entries.delete(entry.asked.request_id)
    for (const { reject } of entry.waiters) reject(error)
  }

  /** The loop continues, unless it waits for another question. */
  #goOn(entry: Entry): void {
    const others = [...this.#entries.values()].filter((other) => other !== entry && other.waiters.size > 0)
    if (entry.setsStatus && others.length === 0) this.#line.report('working')
  }

  #has(entry: Entry): boolean {
    return this.#entries.get(entry.asked.request_id) === entry
  }
}

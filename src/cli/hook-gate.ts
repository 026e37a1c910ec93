import {
  type AgentRequest,
  type Api,
  ApiError,
  createApi,
  type DeliveredSignal,
  type ReportResult,
  type TokenSource,
} from '#src/client/rest/rest.ts'
import { transportError } from '#src/client/shared/api-error.ts'
import { randomHex } from '#src/client/shared/random.ts'
import { toRequestId } from '#src/client/shared/request-id.ts'
import { sleep, startTimer } from '#src/client/shared/timers.ts'
import { errorCodes } from '#src/domain/errors.ts'
import { type Backoff, fullJitter } from '#src/domain/full-jitter.ts'
import { fitArguments, type ToolCall } from './hook-input.ts'

/** The agent may not go on. The message says why. */
export class Blocked extends Error {}

/** A resume goes to one of several hooks that wait at once; the others see it after this long. */
const LOOK_AGAIN_SECONDS = 5
/** What the server grants a long poll. */
export const MAX_WAIT_SECONDS = 25
/** A request ends up to 2 s after its time. */
const LATE_SECONDS = 3
/** Calls that hang are given up this long after the wait. */
const GRACE_SECONDS = 5
/** The pauses between calls while the server is away. */
const BACKOFF: Backoff = { first_ms: 250, max_ms: 5_000 }
/** More signals than this are left for later. */
const MAX_FETCHED = 100
/** Tells the requests of hooks from those of other programs that run the same agent. */
const PREFIX = 'hook-'

type GateInput = { url: string; token: TokenSource; agent_id: string | undefined; wait_seconds: number }
type Question = { call: ToolCall | undefined; message: string | undefined }

/** Speaks for an agent over HTTP, and finds out whether it may go on. */
export class HookGate {
  readonly #api: Api
  readonly #agent_id: string | undefined
  readonly #wait_seconds: number
  readonly #deadline: number
  readonly #cancel: () => void
  readonly #hanging = new AbortController()
  /** Why the agent may not go on, as far as is known. */
  #stop: string | undefined
  /** Those of the latest answer. A verdict's say which agent it is about. */
  #headers = new Headers()
  #place: [project_id: string, agent_id: string] = ['', '']

  constructor({ url, token, agent_id, wait_seconds }: GateInput) {
    const late = () => this.#hanging.abort(transportError('timeout', 'The server did not answer in time'))
    this.#cancel = startTimer((wait_seconds + GRACE_SECONDS) * 1000, late)
    const { signal } = this.#hanging
    this.#api = createApi({ url, token, signal, retries: 2, fetch: (...args) => this.#fetch(...args) })
    this.#agent_id = agent_id
    this.#wait_seconds = wait_seconds
    this.#deadline = performance.now() + wait_seconds * 1000
  }

  async #fetch(...args: Parameters<typeof fetch>): Promise<Response> {
    const response = await fetch(...args)
    this.#headers = response.headers
    return response
  }

  /** Finds the agent. Call it first: only from then on an outage does not end the wait. */
  async open(): Promise<void> {
    const status = await this.#readStatus()
    if (status === 'paused' || status === 'terminated') this.#stop = `Agent is ${status}`
    const [project_id, agent_id] = ['project', 'agent'].map((name) =>
      this.#headers.get(`x-signalbox-${name}`),
    )
    if (!project_id || !agent_id) throw new Error('The server does not say which agent the token is for')
    this.#place = [project_id, agent_id]
  }

  /** Resolves once the agent may go on, and acknowledges the order that it obeys by that. Rejects with Blocked. */
  async pass(): Promise<void> {
    for (;;) {
      // An empty report says that the agent is alive.
      const { status, control } = await this.#report({})
      const isStopped = status === 'paused' || status === 'terminated'
      this.#stop = isStopped ? `Agent is ${status}${because(control)}` : undefined
      if (control?.state === 'pending' || control?.state === 'delivered') {
        await this.#acknowledge(control.signal_id)
      }
      if (status === 'terminated') throw new Blocked(this.#stop)
      if (status !== 'paused') return
      await this.#untilResumed()
    }
  }

  async #untilResumed(): Promise<void> {
    do {
      const left = this.#secondsLeft()
      if (left <= 0) throw new Blocked(this.#stop)
      const wait = Math.min(left, LOOK_AGAIN_SECONDS)
      await this.#settle(await this.#nextSignal({ wait }))
    } while ((await this.#persist(() => this.#readStatus())) === 'paused')
  }

  /** Asks people, and resolves with the note of a yes. Rejects with Blocked after any other end. */
  async ask({ call, message }: Question): Promise<string | null> {
    const [project_id] = this.#place
    this.#stop = `No answer came within ${this.#wait_seconds} s`
    const { status_rejected, ...asked } = await this.#open({ call, message })
    let request: AgentRequest = asked
    while (request.state === 'open' && this.#secondsLeft() > -LATE_SECONDS) {
      const { id } = request
      const wait = Math.min(Math.max(this.#secondsLeft(), 1), MAX_WAIT_SECONDS)
      request = await this.#persist(() => this.#api.requests.get(project_id, id, { wait }))
    }
    if (request.cause === 'terminated') throw new Blocked('Agent is terminated')
    if (request.state === 'cancelled') this.#stop = request.note ? `Refused: ${request.note}` : 'Refused'
    if (request.state === 'resolved') this.#stop = undefined
    await this.#settleOwn()
    if (status_rejected === undefined) await this.#report({ status: 'working' })
    if (request.state === 'resolved') return request.note
    throw new Blocked(this.#stop)
  }

  async #open({ call, message }: Question) {
    const id = call?.id || randomHex(16)
    const known = call?.id && (await toRequestId({ id, name: call.name, input: call.arguments }, PREFIX))
    const request_id = known || `${PREFIX}${randomHex(16)}`
    const tool_call = call && {
      id: id.slice(0, 255),
      name: call.name.slice(0, 255),
      arguments: fitArguments(call.arguments),
    }
    const ask = () =>
      this.#api.runtimes.ask(...this.#place, {
        request_id,
        reason: tool_call ? 'tool_call' : 'confirmation',
        message: message ?? (tool_call ? `May I use ${tool_call.name}?` : 'May I continue?'),
        tool_call,
        // A question that this process no longer waits for must not stay.
        expires_at: new Date(Date.now() + Math.max(this.#secondsLeft(), 1) * 1000).toISOString(),
        status: 'waiting',
      })
    try {
      return await this.#persist(ask)
    } catch (error) {
      if (hasCode(error, errorCodes.agent_terminated)) throw new Blocked('Agent is terminated')
      throw error
    }
  }

  /** Acknowledges the signal with the answer that has been read: those of an agent may not pile up. */
  async #settleOwn(): Promise<void> {
    for (let fetched = 0; fetched < MAX_FETCHED; fetched++) {
      const signal = await this.#nextSignal()
      if (!signal || (await this.#settle(signal))) return
    }
  }

  /** Leaves messages and other programs' answers to whom they are for. Orders are acknowledged where they are obeyed. */
  async #settle(signal: DeliveredSignal | null): Promise<boolean> {
    const isOwn = signal?.kind === 'answer' && String(signal.payload?.request_id).startsWith(PREFIX)
    if (isOwn) await this.#acknowledge(signal.id)
    return isOwn
  }

  async #acknowledge(signal_id: string): Promise<void> {
    await this.#persist(() => this.#api.runtimes.acknowledge(...this.#place, signal_id, { outcome: 'done' }))
  }

  #report(report: Parameters<Api['runtimes']['report']>[2]): Promise<ReportResult> {
    return this.#persist(() => this.#api.runtimes.report(...this.#place, report))
  }

  #nextSignal(query?: { wait: number }): Promise<DeliveredSignal | null> {
    return this.#persist(() => this.#api.runtimes.nextSignal(...this.#place, query))
  }

  /**
   * Makes a call until it is answered or the wait is over: a deploy of the server must not end a pause or a question. Each
   * call may be made twice. What is known to stop the agent then blocks it.
   */
  async #persist<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    for (let tries = 0; ; tries++) {
      try {
        return await call()
      } catch (error) {
        if (!(error instanceof ApiError && error.retryable)) throw error
        const left_ms = this.#deadline - performance.now()
        if (left_ms <= 0) throw this.#stop ? new Blocked(`${this.#stop}; ${error.message}`) : error
        const pause_ms = (error.retry_after_ms ?? 0) + fullJitter(tries, BACKOFF, Math.random())
        await sleep(Math.min(pause_ms, left_ms), this.#hanging.signal)
      }
    }
  }

  /** The agent's status, from a verdict: it makes no event. */
  async #readStatus(): Promise<string | null> {
    try {
      await this.#api.verdicts.get({ agent_id: this.#agent_id })
    } catch (error) {
      if (!hasCode(error, errorCodes.agent_stopped)) throw error
    }
    return this.#headers.get('x-signalbox-status')
  }

  #secondsLeft(): number {
    return Math.ceil((this.#deadline - performance.now()) / 1000)
  }

  close(): void {
    this.#cancel()
  }
}

function because(control: ReportResult['control']): string {
  return control?.reason ? `: ${control.reason}` : ''
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof ApiError && error.code === code
}

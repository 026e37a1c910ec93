import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { appliedBy, type ObedientRuntime } from './obedient-runtime.ts'

type Signal = { id: string; kind: string; payload: { n: number } | null }

type Sent = { body?: object; key?: string }

/** As a runtime does before it tries again. */
const awhile = () => sleep(20 + Math.random() * 80, undefined)

/**
 * A runtime without a WebSocket, as one writes it: it fetches one signal after another from any of several servers, applies
 * each once by its id, reports a message as a task, and acknowledges. It repeats what failed, under the same key.
 */
export class HttpRuntime implements Pick<ObedientRuntime, 'applied' | 'messages' | 'faults' | 'connects'> {
  readonly agent_id: string
  readonly #origins: readonly string[]
  readonly #token: string
  readonly #path: string
  applied: ObedientRuntime['applied'] = 'running'
  readonly messages: number[] = []
  readonly faults: string[] = []
  /** Calls for signals. */
  connects = 0
  #isStopped = false
  #call = new AbortController()
  readonly #seen = new Set<string>()

  constructor(origins: readonly string[], token: string, path: string) {
    this.#origins = origins
    this.#token = token
    this.#path = path
    this.agent_id = path.split('/').at(-1) as string
  }

  start(): this {
    void this.#run()
    return this
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      this.connects++
      const signal = await this.#send<Signal>('GET', '/signals/next?wait=25').catch(awhile)
      if (signal) await this.#obey(signal)
    }
  }

  async #obey({ id, kind, payload }: Signal): Promise<void> {
    const isNew = !this.#seen.has(id)
    this.#seen.add(id)
    if (isNew && kind === 'message') {
      this.messages.push(payload?.n ?? -1)
      await this.#repeat('/reports', { body: { usage: { tasks_completed: 1 } }, key: randomUUID() })
    } else if (isNew) this.applied = appliedBy[kind] ?? this.applied
    await this.#repeat(`/signals/${id}/ack`, { body: { outcome: 'done' } })
  }

  /** Until it is answered: a cut or a server that was killed leaves open whether the call counted. */
  async #repeat(path: string, sent: Sent): Promise<void> {
    while (!this.#isStopped) {
      const answer = await this.#send<object>('POST', path, sent).catch(awhile)
      if (answer) return
    }
  }

  /** Undefined for an answer without a body. */
  async #send<Body>(method: string, path: string, { body, key }: Sent = {}): Promise<Body | undefined> {
    const origin = this.#origins[Math.floor(Math.random() * this.#origins.length)]
    this.#call = new AbortController()
    const response = await fetch(`${origin}/api/v1${this.#path}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        'content-type': 'application/json',
        ...(key && { 'idempotency-key': key }),
      },
      signal: this.#call.signal,
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (response.ok) return text === '' ? undefined : JSON.parse(text)
    const { code } = (JSON.parse(text) as { errors: { code: string }[] }).errors[0] ?? { code: '?' }
    // A server that is killed, or a lock that is held, may refuse with 503; that is no fault.
    if (response.status !== 503) this.faults.push(`${code} ${method} ${path}: ${text}`)
    throw new Error(code)
  }

  /** Breaks the connection as a network does. */
  cut(): void {
    this.#call.abort()
  }

  stop(): void {
    this.#isStopped = true
    this.cut()
  }
}

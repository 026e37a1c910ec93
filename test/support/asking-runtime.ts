import WebSocket from 'ws'

export type HeardAnswer = { request_id: string; status: string; note: string | null }
type Frame = {
  type: string
  request?: { request_id: string }
  signal?: { id: string; kind: string; payload: HeardAnswer }
  code?: string
  message?: string
}

/** `expires_in`: milliseconds after it is asked. */
export type Question = { request_id: string; reason: string; message: string; expires_in?: number }

/** Questions of one runtime that wait at the same time. */
const AT_ONCE = 2

/**
 * A runtime that asks its questions, a few at a time, through connections that break. It reconnects to any of several
 * servers, and then asks again, under the same ids, all that has no answer yet.
 */
export class AskingRuntime {
  readonly agent_id: string
  readonly #urls: readonly string[]
  readonly #token: string
  readonly #questions: Question[]
  /** By signal: a signal that comes again is heard once. */
  readonly #heard = new Map<string, HeardAnswer>()
  readonly faults: string[] = []
  socket: WebSocket | undefined
  connects = 0
  #isStopped = false

  constructor(
    urls: readonly string[],
    { token, agent_id, questions }: { token: string; agent_id: string; questions: Question[] },
  ) {
    this.#urls = urls
    this.#token = token
    this.agent_id = agent_id
    this.#questions = questions
  }

  start(): this {
    this.#connect()
    return this
  }

  get answers(): HeardAnswer[] {
    return [...this.#heard.values()]
  }

  get isDone(): boolean {
    return this.#waiting.length === 0
  }

  get #waiting(): Question[] {
    const answered = new Set(this.answers.map(({ request_id }) => request_id))
    return this.#questions.filter(({ request_id }) => !answered.has(request_id))
  }

  #connect(): void {
    if (this.#isStopped) return
    this.connects++
    const url = this.#urls[Math.floor(Math.random() * this.#urls.length)] as string
    const headers = { authorization: `Bearer ${this.#token}` }
    const socket = new WebSocket(url, ['signalbox.v1'], { headers })
    this.socket = socket
    socket.on('open', () => this.#send({ type: 'attach' }))
    socket.on('message', (data) => this.#take(JSON.parse(data.toString())))
    socket.on('error', () => {})
    socket.on('close', () => {
      if (socket === this.socket) setTimeout(() => this.#connect(), 20 + Math.random() * 80)
    })
  }

  #send(message: object): void {
    const { agent_id } = this
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ ...message, agent_id }))
  }

  #take({ type, signal, code, message }: Frame): void {
    if (type === 'attached') this.#ask()
    if (type === 'error') this.faults.push(`${code} ${message}`)
    if (type !== 'signal' || signal?.kind !== 'answer') return
    const isNew = !this.#heard.has(signal.id)
    this.#heard.set(signal.id, signal.payload)
    this.#send({ type: 'ack', signal_id: signal.id, outcome: 'done' })
    if (isNew) this.#ask()
  }

  #ask(): void {
    for (const { expires_in, ...question } of this.#waiting.slice(0, AT_ONCE)) {
      const expires_at = expires_in === undefined ? null : new Date(Date.now() + expires_in).toISOString()
      this.#send({ type: 'request', ...question, expires_at })
    }
  }

  cut(): void {
    this.socket?.terminate()
  }

  stop(): void {
    this.#isStopped = true
    this.socket?.terminate()
  }
}

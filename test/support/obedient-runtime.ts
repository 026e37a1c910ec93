import WebSocket from 'ws'

type Signal = { id: string; kind: string; payload: { n: number } | null; attempt: number }
type Frame = {
  type: string
  agent_id?: string
  signal?: Signal
  signal_id?: string
  code?: string
  seq?: number
}

/**
 * A runtime as one writes it: it reconnects to any of several servers, attaches its agent, applies each signal
 * once by its id, acknowledges it, and reports with a number that counts up.
 */
export class ObedientRuntime {
  readonly agent_id: string
  readonly #urls: readonly string[]
  readonly #token: string
  /** What it was last told to be. */
  applied: 'running' | 'paused' | 'terminated' = 'running'
  /** The numbers of the messages, in the order in which they were first heard. */
  readonly messages: number[] = []
  readonly repeats = { signals: 0 }
  readonly faults: string[] = []
  readonly heardAt = new Map<string, number>()
  socket: WebSocket | undefined
  connects = 0
  isAttached = false
  #isStopped = false
  readonly #seen = new Set<string>()

  constructor(urls: readonly string[], token: string, agent_id: string) {
    this.#urls = urls
    this.#token = token
    this.agent_id = agent_id
  }

  start(): this {
    this.#connect()
    return this
  }

  #connect(): void {
    if (this.#isStopped) return
    this.connects++
    const url = this.#urls[Math.floor(Math.random() * this.#urls.length)] as string
    const socket = new WebSocket(url, ['signalbox.v1'], {
      headers: { authorization: `Bearer ${this.#token}` },
    })
    this.socket = socket
    socket.on('open', () => this.#send({ type: 'attach', agent_id: this.agent_id }))
    socket.on('message', (data) => this.#take(JSON.parse(data.toString())))
    socket.on('error', () => {})
    socket.on('close', () => {
      if (socket !== this.socket) return
      this.isAttached = false
      setTimeout(() => this.#connect(), 20 + Math.random() * 80)
    })
  }

  #send(message: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message))
  }

  #take({ type, signal, code, ...rest }: Frame): void {
    if (type === 'attached') this.isAttached = true
    // Nobody else attaches its agent: so only its own earlier link is replaced.
    if (type === 'error') this.faults.push(`${code} ${JSON.stringify(rest)}`)
    if (type === 'signal' && signal) this.#obey(signal)
  }

  #obey(signal: Signal): void {
    if (this.#seen.has(signal.id)) this.repeats.signals++
    else {
      this.#seen.add(signal.id)
      this.heardAt.set(signal.id, Date.now())
      if (signal.kind === 'message') this.messages.push(signal.payload?.n ?? -1)
      else this.applied = appliedBy[signal.kind] ?? this.applied
    }
    this.#send({ type: 'ack', agent_id: this.agent_id, signal_id: signal.id, outcome: 'done' })
  }

  /** Breaks the connection as a network does. */
  cut(): void {
    this.socket?.terminate()
  }

  stop(): void {
    this.#isStopped = true
    this.socket?.terminate()
  }
}

export const appliedBy: Record<string, ObedientRuntime['applied']> = {
  pause: 'paused',
  resume: 'running',
  terminate: 'terminated',
}

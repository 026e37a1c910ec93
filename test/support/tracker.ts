import WebSocket from 'ws'

/** An event as a watcher got it. `late_ms`: from the commit's time to the arrival. */
export type Arrival = { seq: number; late_ms: number }

/**
 * A watcher as a dashboard has one: it reconnects, to any of several servers, and goes on after the last
 * event that it has. It keeps each seq that it was given, and each thing that was wrong.
 */
export class Tracker {
  readonly arrivals: Arrival[] = []
  readonly faults: string[] = []
  resets = 0
  closes: number[] = []
  position: number | undefined
  socket: WebSocket | undefined
  #isStopped = false
  readonly #urls: readonly string[]
  readonly #token: string
  readonly #project_id: string
  readonly #waiting = new Set<() => void>()

  constructor(urls: readonly string[], token: string, project_id: string) {
    this.#urls = urls
    this.#token = token
    this.#project_id = project_id
  }

  /** Resolves once it is subscribed for the first time. */
  async start(): Promise<this> {
    this.#connect(0)
    await this.until(() => this.position !== undefined)
    return this
  }

  #connect(attempt: number): void {
    if (this.#isStopped) return
    const url = this.#urls[Math.floor(Math.random() * this.#urls.length)] as string
    const socket = new WebSocket(url, ['signalbox.v1'], {
      headers: { authorization: `Bearer ${this.#token}` },
    })
    this.socket = socket
    socket.on('open', () =>
      socket.send(JSON.stringify({ type: 'subscribe', project_id: this.#project_id, after: this.position })),
    )
    socket.on('message', (data) => this.#take(JSON.parse(data.toString())))
    socket.on('error', () => {})
    socket.on('close', (code) => {
      this.closes.push(code)
      if (socket === this.socket) setTimeout(() => this.#connect(attempt + 1), 20 + Math.random() * 80)
    })
  }

  #take(frame: { type: string; seq: number; resumed?: boolean; at?: string }): void {
    if (frame.type === 'subscribed' && frame.resumed === false) {
      if (this.position !== undefined) this.resets++
      this.position = frame.seq
    }
    if (frame.type === 'error') this.faults.push(JSON.stringify(frame))
    if (frame.type === 'event') {
      if (frame.seq !== (this.position ?? 0) + 1) this.faults.push(`${frame.seq} after ${this.position}`)
      this.position = frame.seq
      this.arrivals.push({ seq: frame.seq, late_ms: Date.now() - Date.parse(frame.at ?? '') })
    }
    for (const wake of [...this.#waiting]) wake()
  }

  /** Breaks the connection as a network does; it comes back by itself. */
  cut(): void {
    this.socket?.terminate()
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake)
          resolve()
        }
        this.#waiting.add(wake)
      })
    }
  }

  reached(seq: number): Promise<void> {
    return this.until(() => (this.position ?? -1) >= seq)
  }

  stop(): void {
    this.#isStopped = true
    this.socket?.terminate()
  }
}

/** The given share (0 to 1) of the latenesses lies at or below the result, in ms. */
export function percentile(arrivals: readonly Arrival[], share: number): number {
  const sorted = arrivals.map((arrival) => arrival.late_ms).sort((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

import { createParser, type EventSourceMessage } from 'eventsource-parser'

/** `id` is the seq of `last_event_id`, which has the epoch too. */
export type SentEvent = { id: number; last_event_id: string; event: string; data: string }

/** A client of server-sent events that keeps all it gets. */
export class EventReader {
  readonly status: number
  readonly events: SentEvent[] = []
  /** Resolves when the server has ended the stream, or refused it. */
  readonly ended: Promise<void>
  readonly #abort: AbortController
  readonly #waiting = new Set<() => void>()

  private constructor(response: Response, abort: AbortController) {
    this.status = response.status
    this.#abort = abort
    this.ended = this.#read(response).catch(() => {})
  }

  /** Resolves with the answer's status. `after`: a number for the query, or an id for `Last-Event-ID`. */
  static async open(url: string, token: string | undefined, after?: number | string): Promise<EventReader> {
    const abort = new AbortController()
    const last: Record<string, string> = typeof after === 'string' ? { 'last-event-id': after } : {}
    const headers = { ...(token && { authorization: `Bearer ${token}` }), ...last }
    const query = typeof after === 'number' ? `?after=${after}` : ''
    return new EventReader(await fetch(url + query, { headers, signal: abort.signal }), abort)
  }

  async #read(response: Response): Promise<void> {
    if (!response.ok || !response.body) return
    const parser = createParser({ onEvent: (message) => this.#take(message) })
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      parser.feed(chunk)
      for (const wake of [...this.#waiting]) wake()
    }
  }

  #take({ id, event = '', data }: EventSourceMessage): void {
    if (id === undefined) return
    this.events.push({ id: Number(id.split('.')[0]), last_event_id: id, event, data })
  }

  async until(condition: (events: readonly SentEvent[]) => boolean): Promise<void> {
    while (!condition(this.events)) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake)
          resolve()
        }
        this.#waiting.add(wake)
      })
    }
  }

  close(): void {
    this.#abort.abort()
  }
}

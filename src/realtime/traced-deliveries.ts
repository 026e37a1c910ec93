import type { Span } from '@opentelemetry/api'
import type { LoggedEvent } from '#src/store/events.ts'
import { SpanKind, startSpan, type Traceparent, traceparentOf } from '#src/tracing/trace.ts'

/** The spans of the traced events of one turn: from when the feed takes one until all its readers have it. */
export class Deliveries {
  #spans: Span[] = []

  /** The event on its way on: what is done about it is below the span of the hub. */
  begin(event: LoggedEvent, traceparent: Traceparent): LoggedEvent {
    const span = startSpan('hub', traceparent, {
      kind: SpanKind.CONSUMER,
      attributes: { 'signalbox.project_id': event.project_id, 'signalbox.seq': event.seq },
    })
    this.#spans.push(span)
    return { ...event, traceparent: traceparentOf(span) ?? traceparent }
  }

  /** One write for all events of the turn: a span of it in each of their traces. */
  write(sockets: number, work: () => void): void {
    if (this.#spans.length === 0 || sockets === 0) return work()
    const writes = this.#spans.flatMap((span) => {
      const traceparent = traceparentOf(span)
      return traceparent
        ? startSpan('socket', traceparent, { attributes: { 'signalbox.sockets': sockets } })
        : []
    })
    work()
    for (const write of writes) write.end()
  }

  end(): void {
    if (this.#spans.length === 0) return
    for (const span of this.#spans) span.end()
    this.#spans = []
  }
}

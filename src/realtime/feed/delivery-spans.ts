import type { Span } from '@opentelemetry/api'
import type { LoggedEvent } from '#src/store/events.ts'
import { SpanKind, startSpan, type Traceparent, traceparentOf } from '#src/tracing/trace.ts'

/** The spans of the traced events of one turn, from when the feed accepts an event until all readers have it. */
export class DeliverySpans {
  #spans: Span[] = []

  /** Opens the hub's span. The returned event carries it, so that later spans are its children. */
  begin(event: LoggedEvent, traceparent: Traceparent): LoggedEvent {
    const span = startSpan('hub', traceparent, {
      kind: SpanKind.CONSUMER,
      attributes: { 'signalbox.project_id': event.project_id, 'signalbox.seq': event.seq },
    })
    this.#spans.push(span)
    return { ...event, traceparent: traceparentOf(span) ?? traceparent }
  }

  /** One write sends all events of the turn: each of their traces gets a span of it. */
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

import type { Bus } from '#src/bus/bus.ts'
import type { Database } from '#src/store/database.ts'
import { asChild, SpanKind, startSpan, traceparentOf } from './trace.ts'

/** Each transaction is a span of whoever asks for it. */
export function traceTransactions(database: Database): Database {
  return { ...database, transaction: (work) => asChild('transaction', () => database.transaction(work)) }
}

/** The publishing of a traced event is a span; whoever hears of the event goes on from that. */
export function tracePublishes(bus: Bus): Bus {
  return {
    ...bus,
    publish(event) {
      if (event.traceparent === undefined) return bus.publish(event)
      const span = startSpan('publish', event.traceparent, {
        kind: SpanKind.PRODUCER,
        attributes: { 'signalbox.project_id': event.project_id, 'signalbox.seq': event.seq },
      })
      bus.publish({ ...event, traceparent: traceparentOf(span) })
      span.end()
    },
  }
}

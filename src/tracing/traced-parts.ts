import type { Bus } from '#src/bus/bus.ts'
import type { Database } from '#src/store/database.ts'
import { asChild, SpanKind, startSpan, traceparentOf } from './trace.ts'

/** Makes each transaction a span of its caller. */
export function traceTransactions(database: Database): Database {
  return {
    ...database,
    transaction: (work, options) => asChild('transaction', () => database.transaction(work, options)),
    snapshot: (work) => asChild('snapshot', () => database.snapshot(work)),
  }
}

/** Makes each publish of a traced event a span, which the spans of the receiving processes continue. */
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

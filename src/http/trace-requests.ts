import { SpanStatusCode } from '@opentelemetry/api'
import type { Context } from 'hono'
import { asSpan, parentFrom, SpanKind } from '#src/tracing/trace.ts'
import type { HttpEnv } from './env.ts'

/** Records a span for each request, as a child of the caller's `traceparent` if it sends one; the route names it. */
export function traceRequests(c: Context<HttpEnv>, next: () => Promise<void>): Promise<void> {
  const parent = parentFrom({
    traceparent: c.req.header('traceparent'),
    tracestate: c.req.header('tracestate'),
  })
  const attributes = {
    'http.request.method': c.req.method,
    'url.path': c.req.path,
    'signalbox.request_id': c.get('request_id'),
  }
  return asSpan(c.req.method, { kind: SpanKind.SERVER, parent, attributes }, async (span) => {
    await next()
    span.setAttribute('http.response.status_code', c.res.status)
    if (c.res.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
  })
}

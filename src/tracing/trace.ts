import {
  type Attributes,
  type Context,
  context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'

/**
 * Traces (OpenTelemetry). Without an exporter (`export.ts`) every span is the API's empty one, nothing is traced, and each
 * of these functions returns after one check.
 *
 * A W3C `traceparent` carries a trace to later work and to other processes: in an event's news, in a signal's row, and in
 * the frame of a signal. It is there only where the trace is recorded.
 */
export type Traceparent = string

export { SpanKind }

const tracer = trace.getTracer('signalbox')

/** The parent context that `traceparent` names, in the headers of a request or elsewhere; without one, the root. */
export function parentFrom(carrier: {
  traceparent?: string | undefined
  tracestate?: string | undefined
}): Context {
  return propagation.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter)
}

/** The traceparent of a recorded span that has not ended; undefined for other spans. */
export function traceparentOf(span: Span | undefined): Traceparent | undefined {
  if (!span?.isRecording()) return undefined
  const carrier: { traceparent?: Traceparent } = {}
  propagation.inject(trace.setSpan(ROOT_CONTEXT, span), carrier, defaultTextMapSetter)
  return carrier.traceparent
}

/** The traceparent of the active span. */
export function activeTraceparent(): Traceparent | undefined {
  return traceparentOf(trace.getActiveSpan())
}

/** For the log line. Undefined: the active span is not recorded. */
export function activeTraceId(): string | undefined {
  const span = trace.getActiveSpan()
  return span?.isRecording() ? span.spanContext().traceId : undefined
}

type SpanInput = { kind?: SpanKind; attributes?: Attributes }

function open(name: string, { kind = SpanKind.INTERNAL, attributes = {} }: SpanInput, parent: Context): Span {
  return tracer.startSpan(name, { kind, attributes }, parent)
}

/** Starts a child of the span that a traceparent names, in this process or another. */
export function startSpan(name: string, traceparent: Traceparent, input: SpanInput = {}): Span {
  return open(name, input, parentFrom({ traceparent }))
}

/** Starts a child of the active span, which the caller ends. Undefined: the active span is not recorded. */
export function startChild(name: string): Span | undefined {
  return trace.getActiveSpan()?.isRecording() ? open(name, {}, context.active()) : undefined
}

/** Runs the work as a child of the active span, where that is recorded. */
export function asChild<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  const span = startChild(name)
  return span ? inSpan(span, trace.setSpan(context.active(), span), work) : work()
}

/** Runs the work as a child of `parent`. Where that is the root, the span begins a trace. */
export function asSpan<Result>(
  name: string,
  { parent = ROOT_CONTEXT, ...input }: SpanInput & { parent?: Context },
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  const span = open(name, input, parent)
  return inSpan(span, trace.setSpan(parent, span), () => work(span))
}

async function inSpan<Result>(span: Span, inside: Context, work: () => Promise<Result>): Promise<Result> {
  try {
    return await context.with(inside, work)
  } catch (error) {
    failed(span, error)
    throw error
  } finally {
    span.end()
  }
}

/** Marks a span as failed by the error's name: its message may have text that a peer sent. */
export function failed(span: Span, error: unknown): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'failed' })
}

/** Runs work for many callers outside of the trace of the one that started it. */
export function outsideOfTraces<Result>(work: () => Result): Result {
  return context.with(ROOT_CONTEXT, work)
}

/** Renames the active span, once the server knows what it is doing. */
export function describeActive(name: string, attributes: Attributes): void {
  trace.getActiveSpan()?.updateName(name).setAttributes(attributes)
}

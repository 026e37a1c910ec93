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
 * Traces (OpenTelemetry). As long as nobody has registered an exporter (`export.ts`) every span is the API's own
 * empty one, nothing is ever traced, and each of these functions ends at its first look at that.
 *
 * What happens later, or in another process, is told of its trace by a W3C `traceparent`: in an event's news, with a
 * kept signal, and in the frame of a signal. One is there only where that trace is recorded.
 */
export type Traceparent = string

export { SpanKind }

const tracer = trace.getTracer('signalbox')

/** The headers of a request, or of anything else that carries `traceparent`, as a parent; without one the root. */
export function parentFrom(carrier: {
  traceparent?: string | undefined
  tracestate?: string | undefined
}): Context {
  return propagation.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter)
}

/** The traceparent of a recorded span that has not ended; undefined for any other. */
export function traceparentOf(span: Span | undefined): Traceparent | undefined {
  if (!span?.isRecording()) return undefined
  const carrier: { traceparent?: Traceparent } = {}
  propagation.inject(trace.setSpan(ROOT_CONTEXT, span), carrier, defaultTextMapSetter)
  return carrier.traceparent
}

/** That of what is under way here. */
export function activeTraceparent(): Traceparent | undefined {
  return traceparentOf(trace.getActiveSpan())
}

/** For the log line; undefined where nothing is recorded. */
export function activeTraceId(): string | undefined {
  const span = trace.getActiveSpan()
  return span?.isRecording() ? span.spanContext().traceId : undefined
}

type SpanInput = { kind?: SpanKind; attributes?: Attributes }

function open(name: string, { kind = SpanKind.INTERNAL, attributes = {} }: SpanInput, parent: Context): Span {
  return tracer.startSpan(name, { kind, attributes }, parent)
}

/** A span below one that is known by its traceparent, here or in another process. */
export function startSpan(name: string, traceparent: Traceparent, input: SpanInput = {}): Span {
  return open(name, input, parentFrom({ traceparent }))
}

/** A span of what is under way here; undefined where that is not traced. Whoever starts it ends it. */
export function startChild(name: string): Span | undefined {
  return trace.getActiveSpan()?.isRecording() ? open(name, {}, context.active()) : undefined
}

/** Does the work as a span below what is under way here, where that is traced. */
export function asChild<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  const span = startChild(name)
  return span ? inSpan(span, trace.setSpan(context.active(), span), work) : work()
}

/** Does the work as a span below `parent`, and as the beginning of a trace where that is the root. */
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

/** What is refused is said by its code; a message may have in it what a peer has sent. */
export function failed(span: Span, error: unknown): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'failed' })
}

/** Begins what belongs to nobody's trace although somebody's has set it off: it is done for many. */
export function outsideOfTraces<Result>(work: () => Result): Result {
  return context.with(ROOT_CONTEXT, work)
}

/** Names the span that is under way, once it is known what it is. */
export function describeActive(name: string, attributes: Attributes): void {
  trace.getActiveSpan()?.updateName(name).setAttributes(attributes)
}

import { context, type DiagLogger, DiagLogLevel, diag, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ConsoleSpanExporter,
  ParentBasedSampler,
  type Sampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { TracingConfig } from '#src/config/tracing.ts'
import { version } from '#src/version.ts'

const samplers: Record<TracingConfig['sampler'], (ratio: number) => Sampler> = {
  always_on: () => new AlwaysOnSampler(),
  always_off: () => new AlwaysOffSampler(),
  traceidratio: (ratio) => new TraceIdRatioBasedSampler(ratio),
  parentbased_always_on: () => new ParentBasedSampler({ root: new AlwaysOnSampler() }),
  parentbased_always_off: () => new ParentBasedSampler({ root: new AlwaysOffSampler() }),
  parentbased_traceidratio: (ratio) => new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
}

/** A server that stops waits this long for the last export, then drops the remaining spans. */
const LAST_EXPORT_MS = 2_000

/** Loaded on demand, since most servers export nothing. The exporters read `OTEL_EXPORTER_OTLP_*` themselves. */
const exporters: Record<TracingConfig['exporter'], () => Promise<SpanExporter>> = {
  'http/protobuf': async () =>
    new (await import('@opentelemetry/exporter-trace-otlp-proto')).OTLPTraceExporter(),
  'http/json': async () => new (await import('@opentelemetry/exporter-trace-otlp-http')).OTLPTraceExporter(),
  console: async () => new ConsoleSpanExporter(),
}

/**
 * Starts to record and export traces for the whole process. Returns a function that exports the remaining spans and stops.
 * While no collector answers, spans wait in a bounded queue; those beyond it are dropped.
 */
export async function startTracing(
  { exporter, sampler, ratio, delayMs }: TracingConfig,
  onTrouble: (message: string) => void,
): Promise<() => Promise<void>> {
  const resource = resourceFromAttributes({ 'service.name': 'signalbox', 'service.version': version })
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(resource)
      .merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] })),
    sampler: samplers[sampler](ratio),
    spanProcessors: [
      new BatchSpanProcessor({ exporter: await exporters[exporter](), scheduledDelayMillis: delayMs }),
    ],
  })
  diag.setLogger(onlyTrouble(onTrouble), DiagLogLevel.WARN)
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  trace.setGlobalTracerProvider(provider)
  return async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const late = setTimeout(resolve, LAST_EXPORT_MS)
    provider.shutdown().then(resolve, resolve)
    await promise
    clearTimeout(late)
  }
}

function onlyTrouble(onTrouble: (message: string) => void): DiagLogger {
  const ignore = () => {}
  return { error: onTrouble, warn: onTrouble, info: ignore, debug: ignore, verbose: ignore }
}

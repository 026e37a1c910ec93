import * as v from 'valibot'
import { oneOf, ratio, url, wholeNumber } from './values.ts'

const traceExporters = ['none', 'otlp', 'console'] as const
const protocols = ['http/protobuf', 'http/json'] as const
const samplers = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const

const MAX_ATTRIBUTE = 255

function isAttribute(pair: string): boolean {
  if (pair.trim() === '') return true
  const parts = pair.split('=').map((part) => part.trim())
  if (parts.length !== 2 || parts[0] === '') return false
  try {
    return parts.every((part) => decodeURIComponent(part).length <= MAX_ATTRIBUTE)
  } catch {
    return false
  }
}

/** Checked here, since OpenTelemetry silently drops all of them if one is wrong. */
const attributes = v.pipe(
  v.string(),
  v.check(
    (value) => value.split(',').every(isAttribute),
    'must be pairs such as deployment.environment=staging, separated by commas, percent-encoded',
  ),
)

/** OpenTelemetry's variables that decide here. Its exporter reads `OTEL_EXPORTER_OTLP_*`, its detectors those of the resource. */
export const tracingVariables = {
  OTEL_SDK_DISABLED: v.optional(v.string(), 'false'),
  OTEL_TRACES_EXPORTER: v.optional(oneOf(traceExporters)),
  OTEL_EXPORTER_OTLP_ENDPOINT: v.optional(url('http:', 'https:')),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: v.optional(url('http:', 'https:')),
  OTEL_EXPORTER_OTLP_PROTOCOL: v.optional(oneOf(protocols), 'http/protobuf'),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: v.optional(oneOf(protocols)),
  OTEL_TRACES_SAMPLER: v.optional(oneOf(samplers), 'parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: v.optional(ratio, '1'),
  OTEL_BSP_SCHEDULE_DELAY: v.optional(wholeNumber(1, 3_600_000), '5000'),
  OTEL_RESOURCE_ATTRIBUTES: v.optional(attributes),
}

const environment = v.object(tracingVariables)

export type TracingConfig = {
  exporter: (typeof protocols)[number] | 'console'
  sampler: (typeof samplers)[number]
  /** For the samplers that take a ratio. */
  ratio: number
  /** How long spans may wait to be sent in one batch. */
  delayMs: number
}

/** Off unless an exporter or an endpoint is named. */
export function toTracing(env: v.InferOutput<typeof environment>): TracingConfig | undefined {
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? env.OTEL_EXPORTER_OTLP_ENDPOINT
  const exporter = env.OTEL_TRACES_EXPORTER ?? (endpoint ? 'otlp' : 'none')
  if (exporter === 'none' || env.OTEL_SDK_DISABLED.toLowerCase() === 'true') return undefined
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? env.OTEL_EXPORTER_OTLP_PROTOCOL
  return {
    exporter: exporter === 'otlp' ? protocol : exporter,
    sampler: env.OTEL_TRACES_SAMPLER,
    ratio: env.OTEL_TRACES_SAMPLER_ARG,
    delayMs: env.OTEL_BSP_SCHEDULE_DELAY,
  }
}

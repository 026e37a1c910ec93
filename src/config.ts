import { isIP } from 'node:net'
import ip from 'ipaddr.js'
import * as v from 'valibot'
import { parseRedisUrl } from './bus/redis-url.ts'

const seconds = { s: 1, m: 60, h: 3_600, d: 86_400 } as const

const wholeNumber = (min: number, max: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d+$/, 'must be a whole number'),
    v.transform(Number),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  )

const url = (...protocols: string[]) =>
  v.pipe(
    v.string(),
    v.check(
      (value) => URL.canParse(value) && protocols.includes(new URL(value).protocol),
      `must be a URL beginning with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
    ),
  )

const redisUrl = v.pipe(
  v.string(),
  v.rawCheck(({ dataset, addIssue }) => {
    try {
      if (dataset.typed) parseRedisUrl(dataset.value)
    } catch (error) {
      addIssue({ message: error instanceof RangeError ? error.message : 'cannot be read' })
    }
  }),
)

const duration = v.pipe(
  v.string(),
  v.regex(/^[1-9]\d{0,8}[smhd]$/, 'must be a number with s, m, h or d, as in 7d'),
  v.transform((value) => Number(value.slice(0, -1)) * seconds[value.slice(-1) as keyof typeof seconds]),
)

const list = v.pipe(
  v.string(),
  v.transform((value) =>
    value
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  ),
)

const networks = v.pipe(
  list,
  v.everyItem(
    // `10/8` would be another network, 0.0.0.10/8, than whoever writes it means.
    (network) => ip.isValidCIDR(network) && isIP(network.split('/')[0] ?? '') !== 0,
    'must be networks such as 10.0.0.0/8 or fd00::/8, separated by commas',
  ),
)

const origins = v.pipe(
  list,
  v.everyItem(
    (origin) => URL.canParse(origin) && new URL(origin).origin === origin,
    'must be origins such as https://example.org, separated by commas',
  ),
)

const MIN_SECRET = 32

/** Several keys, separated by commas; a comma in a value that is too short for that belongs to its one key. */
function toSecrets(value: string): [string, ...string[]] {
  const [first = value, ...others] = value.split(',').map((key) => key.trim())
  return [first, ...others].every((key) => key.length >= MIN_SECRET) ? [first, ...others] : [value]
}

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

const oneOf = <const Options extends readonly string[]>(options: Options) =>
  v.picklist(options, `must be one of ${options.join(', ')}`)

const ratio = v.pipe(
  v.string(),
  v.regex(/^(0(\.\d+)?|1(\.0+)?)$/, 'must be a number from 0 to 1'),
  v.transform(Number),
)

/** OpenTelemetry's own, as far as they decide here; its exporter reads `OTEL_EXPORTER_OTLP_*` and the resource's. */
const tracingVariables = {
  OTEL_SDK_DISABLED: v.optional(v.string(), 'false'),
  OTEL_TRACES_EXPORTER: v.optional(oneOf(traceExporters)),
  OTEL_EXPORTER_OTLP_ENDPOINT: v.optional(url('http:', 'https:')),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: v.optional(url('http:', 'https:')),
  OTEL_EXPORTER_OTLP_PROTOCOL: v.optional(oneOf(protocols), 'http/protobuf'),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: v.optional(oneOf(protocols)),
  OTEL_TRACES_SAMPLER: v.optional(oneOf(samplers), 'parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: v.optional(ratio, '1'),
  OTEL_BSP_SCHEDULE_DELAY: v.optional(wholeNumber(1, 3_600_000), '5000'),
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/** Every environment variable that Signalbox reads (REST contract: Configuration). */
const environment = v.object({
  NODE_ENV: v.optional(v.string(), 'development'),
  HOST: v.optional(v.pipe(v.string(), v.nonEmpty('must not be empty')), '127.0.0.1'),
  PORT: v.optional(wholeNumber(0, 65_535), '8080'),
  DATABASE_URL: v.optional(url('postgres:', 'postgresql:')),
  DATA_DIR: v.optional(v.pipe(v.string(), v.nonEmpty('must not be empty')), './data'),
  REDIS_URL: v.optional(redisUrl),
  SECRET_KEY: v.optional(
    v.pipe(
      v.string(),
      v.minLength(MIN_SECRET, `must have at least ${MIN_SECRET} characters`),
      v.transform(toSecrets),
    ),
  ),
  ADMIN_EMAIL: v.optional(
    v.pipe(v.string(), v.toLowerCase(), v.regex(/^[^\s@]+@[^\s@]+$/, 'must be an e-mail address')),
  ),
  ADMIN_PASSWORD: v.optional(
    v.pipe(
      v.string(),
      v.minLength(8, 'must have at least 8 characters'),
      v.maxLength(128, 'must have at most 128 characters'),
    ),
  ),
  RATE_LIMIT_MULTIPLIER: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,7}(\.\d{1,6})?$/, 'must be a positive number'),
      v.transform(Number),
      v.check((value) => value > 0, 'must be a positive number'),
    ),
    '1',
  ),
  TRUST_PROXY: v.optional(wholeNumber(0, 32), '0'),
  ALLOWED_ORIGINS: v.optional(origins, ''),
  WEBHOOK_ALLOWED_NETWORKS: v.optional(networks, ''),
  EVENT_RETENTION: v.optional(duration, '7d'),
  LOG_LEVEL: v.optional(oneOf(logLevels), 'info'),
  ...tracingVariables,
})

export const variableNames: readonly string[] = Object.keys(environment.entries)

/** How traces are recorded, and where they go. */
export type TracingConfig = {
  exporter: (typeof protocols)[number] | 'console'
  sampler: (typeof samplers)[number]
  /** Of the samplers that take one. */
  ratio: number
  /** How long spans may wait for those that are sent with them. */
  delay_ms: number
}

export type Config = {
  host: string
  port: number
  database_url: string | undefined
  data_dir: string
  /** One server, or a cluster (`parseRedisUrl`). */
  redis_url: string | undefined
  /** The first signs, all are accepted. Undefined: one is made, and kept in `data_dir`. */
  secret_keys: readonly [string, ...string[]] | undefined
  admin_email: string | undefined
  admin_password: string | undefined
  rate_limit_multiplier: number
  trusted_hops: number
  allowed_origins: readonly string[]
  /** Networks that are not public, and to which webhooks may be sent all the same. */
  webhook_networks: readonly string[]
  retention_seconds: number
  log_level: (typeof logLevels)[number]
  /** Undefined: nothing is traced. */
  tracing: TracingConfig | undefined
}

/** Names every variable that is wrong, a line for each; never shows a value. */
export class ConfigError extends Error {}

export function readConfig(variables: Record<string, string | undefined>): Config {
  // An empty variable counts as unset: that is how compose files pass one on.
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''))
  const parsed = v.safeParse(environment, set)
  const problems = parsed.success
    ? []
    : parsed.issues.map((issue) => `${v.getDotPath(issue)?.split('.')[0]} ${issue.message}`)
  if (set.NODE_ENV === 'production' && set.SECRET_KEY === undefined) {
    problems.push('SECRET_KEY is required when NODE_ENV is production')
  }
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems.join('\n'))
  const env = parsed.output
  return {
    host: env.HOST,
    port: env.PORT,
    database_url: env.DATABASE_URL,
    data_dir: env.DATA_DIR,
    redis_url: env.REDIS_URL,
    secret_keys: env.SECRET_KEY,
    admin_email: env.ADMIN_EMAIL,
    admin_password: env.ADMIN_PASSWORD,
    rate_limit_multiplier: env.RATE_LIMIT_MULTIPLIER,
    trusted_hops: env.TRUST_PROXY,
    allowed_origins: env.ALLOWED_ORIGINS,
    webhook_networks: env.WEBHOOK_ALLOWED_NETWORKS,
    retention_seconds: env.EVENT_RETENTION,
    log_level: env.LOG_LEVEL,
    tracing: toTracing(env),
  }
}

/** Off, until an exporter or an endpoint is named. */
function toTracing(env: v.InferOutput<typeof environment>): TracingConfig | undefined {
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? env.OTEL_EXPORTER_OTLP_ENDPOINT
  const exporter = env.OTEL_TRACES_EXPORTER ?? (endpoint ? 'otlp' : 'none')
  if (exporter === 'none' || env.OTEL_SDK_DISABLED.toLowerCase() === 'true') return undefined
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? env.OTEL_EXPORTER_OTLP_PROTOCOL
  return {
    exporter: exporter === 'otlp' ? protocol : exporter,
    sampler: env.OTEL_TRACES_SAMPLER,
    ratio: env.OTEL_TRACES_SAMPLER_ARG,
    delay_ms: env.OTEL_BSP_SCHEDULE_DELAY,
  }
}

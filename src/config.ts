import * as v from 'valibot'
import { type TracingConfig, toTracing, tracingVariables } from './config-tracing.ts'
import { duration, networks, oneOf, origins, redisUrl, url, wholeNumber } from './config-values.ts'

const MIN_SECRET = 32

/**
 * Several keys, separated by commas, without blanks around them; a comma in a value that is too short for that
 * belongs to its one key. One key is taken as it is.
 */
function toSecrets(value: string): [string, ...string[]] {
  const [first = value, ...others] = value.split(',').map((key) => key.trim())
  const isList = others.length > 0 && [first, ...others].every((key) => key.length >= MIN_SECRET)
  return isList ? [first, ...others] : [value]
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

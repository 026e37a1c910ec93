import * as v from 'valibot'
import { type TracingConfig, toTracing, tracingVariables } from './tracing.ts'
import { duration, networks, oneOf, origins, publicUrl, redisUrl, url, wholeNumber } from './values.ts'

const MIN_SECRET = 32

/**
 * Reads several keys, separated by commas and trimmed. If one of them would be too short, the comma is part of a single
 * key, which is taken as it is.
 */
function toSecrets(value: string): [string, ...string[]] {
  const [first = value, ...others] = value.split(',').map((key) => key.trim())
  const isList = others.length > 0 && [first, ...others].every((key) => key.length >= MIN_SECRET)
  return isList ? [first, ...others] : [value]
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export const logFormats = ['json', 'text'] as const
export type LogFormat = (typeof logFormats)[number]

/** Every environment variable that Signalbox reads (REST contract: Configuration). */
export const environment = v.object({
  NODE_ENV: v.optional(v.string(), 'development'),
  HOST: v.optional(v.pipe(v.string(), v.nonEmpty('must not be empty')), '127.0.0.1'),
  PORT: v.optional(wholeNumber(0, 65_535), '8080'),
  DATABASE_URL: v.optional(url('postgres:', 'postgresql:')),
  DATABASE_POOLER: v.optional(oneOf(['transaction'])),
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
    v.pipe(
      v.string(),
      v.toLowerCase(),
      v.normalize('NFC'),
      v.regex(/^[^\s@]+@[^\s@]+$/, 'must be an e-mail address'),
    ),
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
  PUBLIC_URL: v.optional(publicUrl),
  WEBHOOK_ALLOWED_NETWORKS: v.optional(networks, ''),
  EVENT_RETENTION: v.optional(duration, '7d'),
  REQUEST_RETENTION: v.optional(duration, '30d'),
  USAGE_RETENTION: v.optional(duration, '400d'),
  LOG_LEVEL: v.optional(oneOf(logLevels)),
  LOG_FORMAT: v.optional(oneOf(logFormats)),
  ...tracingVariables,
})

export const variableNames: readonly string[] = Object.keys(environment.entries)

export type Config = {
  host: string
  port: number
  databaseUrl: string | undefined
  /** The URL leads to a pooler that lends a session for one transaction at a time. */
  databasePooler: 'transaction' | undefined
  dataDir: string
  /** The URL of one server or of a cluster (`parseRedisUrl`). */
  redisUrl: string | undefined
  /** The first signs, all are accepted. Undefined: the server makes one and keeps it in `dataDir`. */
  secretKeys: readonly [string, ...string[]] | undefined
  adminEmail: string | undefined
  adminPassword: string | undefined
  rateLimitMultiplier: number
  trustedHops: number
  allowedOrigins: readonly string[]
  /** Where people reach the deployment, without a slash at its end. */
  publicUrl: string | undefined
  /** Private networks to which webhooks may be sent. */
  webhookNetworks: readonly string[]
  retentionSeconds: number
  /** How long ended requests are kept. */
  requestRetentionSeconds: number
  usageRetentionSeconds: number
  /** Undefined: what suits the format. */
  logLevel: LogLevel | undefined
  /** Undefined: text on a terminal, else JSON. */
  logFormat: LogFormat | undefined
  /** Undefined: tracing is off. */
  tracing: TracingConfig | undefined
}

/** Has a line for each wrong variable; never shows a value. */
export class ConfigError extends Error {}

export function readConfig(variables: Record<string, string | undefined>): Config {
  // An empty variable counts as unset, since compose files pass unset ones on as empty.
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''))
  const parsed = v.safeParse(environment, set)
  const problems = parsed.success
    ? []
    : parsed.issues.map((issue) => `${v.getDotPath(issue)?.split('.')[0]} ${issue.message}`)
  if (set.NODE_ENV === 'production' && set.SECRET_KEY === undefined) {
    problems.push('SECRET_KEY is required when NODE_ENV is production')
  }
  const hasRedis = set.REDIS_URL !== undefined && !problems.some((line) => line.startsWith('REDIS_URL '))
  if (hasRedis && set.SECRET_KEY === undefined && set.NODE_ENV !== 'production') {
    problems.push(
      'SECRET_KEY is required with REDIS_URL: without it each process makes its own key and refuses the tokens of the others',
    )
  }
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems.join('\n'))
  const env = parsed.output
  return {
    host: env.HOST,
    port: env.PORT,
    databaseUrl: env.DATABASE_URL,
    databasePooler: env.DATABASE_POOLER,
    dataDir: env.DATA_DIR,
    redisUrl: env.REDIS_URL,
    secretKeys: env.SECRET_KEY,
    adminEmail: env.ADMIN_EMAIL,
    adminPassword: env.ADMIN_PASSWORD,
    rateLimitMultiplier: env.RATE_LIMIT_MULTIPLIER,
    trustedHops: env.TRUST_PROXY,
    allowedOrigins: env.ALLOWED_ORIGINS,
    publicUrl: env.PUBLIC_URL,
    webhookNetworks: env.WEBHOOK_ALLOWED_NETWORKS,
    retentionSeconds: env.EVENT_RETENTION,
    requestRetentionSeconds: env.REQUEST_RETENTION,
    usageRetentionSeconds: env.USAGE_RETENTION,
    logLevel: env.LOG_LEVEL,
    logFormat: env.LOG_FORMAT,
    tracing: toTracing(env),
  }
}

import { describe, expect, it } from 'vitest'
import { parseRedisUrl } from '#src/bus/redis-url.ts'
import { ConfigError, readConfig } from '#src/config/config.ts'

const problemsOf = (variables: Record<string, string>): string[] => {
  try {
    readConfig(variables)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.message.split('\n')
  }
}
const secret = 'x'.repeat(32)

describe('the configuration', () => {
  it('has the defaults of the contract', () => {
    expect(readConfig({})).toEqual({
      host: '127.0.0.1',
      port: 8080,
      databaseUrl: undefined,
      dataDir: './data',
      redisUrl: undefined,
      secretKeys: undefined,
      adminEmail: undefined,
      adminPassword: undefined,
      rateLimitMultiplier: 1,
      trustedHops: 0,
      allowedOrigins: [],
      publicUrl: undefined,
      webhookNetworks: [],
      retentionSeconds: 7 * 24 * 60 * 60,
      requestRetentionSeconds: 30 * 24 * 60 * 60,
      usageRetentionSeconds: 400 * 24 * 60 * 60,
      logLevel: undefined,
      logFormat: undefined,
      tracing: undefined,
    })
  })

  it('reads every variable', () => {
    const variables = {
      HOST: '::',
      PORT: '0',
      DATABASE_URL: 'postgresql://user@db/name',
      DATABASE_POOLER: 'transaction',
      DATA_DIR: '/data',
      REDIS_URL: 'rediss://cache:6380/2',
      SECRET_KEY: secret,
      ADMIN_EMAIL: 'Admin@Example.org',
      ADMIN_PASSWORD: 'password',
      RATE_LIMIT_MULTIPLIER: '0.5',
      TRUST_PROXY: '2',
      ALLOWED_ORIGINS: 'https://a.example, http://b.example:8080',
      PUBLIC_URL: 'https://box.example/base//',
      WEBHOOK_ALLOWED_NETWORKS: '10.0.0.0/8, fd00::/8',
      EVENT_RETENTION: '90m',
      REQUEST_RETENTION: '12h',
      USAGE_RETENTION: '31d',
      LOG_LEVEL: 'debug',
      NODE_ENV: 'production',
      PATH: '/usr/bin',
    }
    expect(readConfig(variables)).toEqual({
      host: '::',
      port: 0,
      databaseUrl: 'postgresql://user@db/name',
      databasePooler: 'transaction',
      dataDir: '/data',
      redisUrl: 'rediss://cache:6380/2',
      secretKeys: [secret],
      adminEmail: 'admin@example.org',
      adminPassword: 'password',
      rateLimitMultiplier: 0.5,
      trustedHops: 2,
      allowedOrigins: ['https://a.example', 'http://b.example:8080'],
      publicUrl: 'https://box.example/base',
      webhookNetworks: ['10.0.0.0/8', 'fd00::/8'],
      retentionSeconds: 5_400,
      requestRetentionSeconds: 43_200,
      usageRetentionSeconds: 2_678_400,
      logLevel: 'debug',
      logFormat: undefined,
    })
  })

  it.each([
    ['redis://cache', { kind: 'server', url: 'redis://cache', database: 0 }],
    ['rediss://:a,b@cache:6380/2', { kind: 'server', url: 'rediss://:a,b@cache:6380/2', database: 2 }],
    [
      'redis://a:7000,b,[::1]:7002',
      {
        kind: 'cluster',
        nodes: [
          { host: 'a', port: 7000 },
          { host: 'b', port: 6379 },
          { host: '::1', port: 7002 },
        ],
        username: undefined,
        password: undefined,
        tls: false,
      },
    ],
    [
      'rediss+cluster://user:p%40ss:word@entry.example:6380/0',
      {
        kind: 'cluster',
        nodes: [{ host: 'entry.example', port: 6380 }],
        username: 'user',
        password: 'p@ss:word',
        tls: true,
      },
    ],
  ])('reads %s as one server or a cluster', (REDIS_URL, location) => {
    expect(readConfig({ REDIS_URL, SECRET_KEY: secret }).redisUrl).toBe(REDIS_URL)
    expect(parseRedisUrl(REDIS_URL)).toEqual(location)
  })

  it('takes an empty variable as unset', () => {
    expect(readConfig({ PORT: '', DATABASE_URL: '', SECRET_KEY: '' })).toEqual(readConfig({}))
  })

  it('traces once an exporter or an endpoint is named, as OpenTelemetry’s own variables say', () => {
    const on = { exporter: 'http/protobuf', sampler: 'parentbased_always_on', ratio: 1, delayMs: 5_000 }
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }
    expect(readConfig(endpoint).tracing).toEqual(on)
    expect(readConfig({ OTEL_TRACES_EXPORTER: 'otlp' }).tracing).toEqual(on)
    expect(readConfig({ OTEL_TRACES_EXPORTER: 'console' }).tracing).toEqual({ ...on, exporter: 'console' })
    expect(readConfig({ ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }).tracing).toEqual({
      ...on,
      exporter: 'http/json',
    })
    const sampled = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' }
    expect(readConfig({ ...endpoint, ...sampled }).tracing).toMatchObject({
      sampler: 'traceidratio',
      ratio: 0.25,
    })
    expect(readConfig({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' }).tracing).toBeUndefined()
    expect(readConfig({ ...endpoint, OTEL_SDK_DISABLED: 'true' }).tracing).toBeUndefined()
  })

  it('takes one secret as it is, and trims several', () => {
    const keysOf = (SECRET_KEY: string) => readConfig({ SECRET_KEY }).secretKeys
    const other = 'y'.repeat(32)
    expect(keysOf(` ${secret}\n`)).toEqual([` ${secret}\n`])
    expect(keysOf(`${secret}, ${other} `)).toEqual([secret, other])
    expect(keysOf(` ${secret}, short`)).toEqual([` ${secret}, short`])
  })

  it('needs a secret in production', () => {
    expect(problemsOf({ NODE_ENV: 'production' })).toEqual([expect.stringMatching(/^SECRET_KEY /)])
    expect(problemsOf({ NODE_ENV: 'production', SECRET_KEY: '' })).toHaveLength(1)
    expect(problemsOf({ NODE_ENV: 'production', SECRET_KEY: secret })).toEqual([])
  })

  it('needs a secret with Redis, which several processes share', () => {
    const REDIS_URL = 'redis://cache'
    expect(problemsOf({ REDIS_URL })).toEqual([
      expect.stringMatching(/^SECRET_KEY is required with REDIS_URL/),
    ])
    expect(problemsOf({ REDIS_URL, NODE_ENV: 'production' })).toHaveLength(1)
    expect(problemsOf({ REDIS_URL, SECRET_KEY: secret })).toEqual([])
  })

  const wrong = {
    PORT: ['65536', '-1', 'http', '80.5', ' 80'],
    DATABASE_URL: ['mysql://db', 'db', 'localhost:5432'],
    DATABASE_POOLER: ['session', 'yes'],
    REDIS_URL: [
      'http://cache',
      'cache:6379',
      'redis://',
      'redis://cache:port',
      'redis+cluster://',
      'redis+cluster://cache:port',
      'redis+sentinel://cache',
      'redis://a:6379,',
      'redis://a:6379,b:99999',
      'redis://a:6379,redis://b:6379',
      'redis://user:word@a:6379,user:word@b:6379',
      'redis://a:6379,b:6379/2',
      'redis://:%zz@a:6379,b:6379',
      'redis://:%zz@cache:6379',
      'redis://cache:6379/abc',
      'redis://cache:6379/-1',
      'redis://a:6379/1,b:6379',
      'redis://a:6379?x=1,b:6379',
    ],
    SECRET_KEY: ['x'.repeat(31)],
    ADMIN_EMAIL: ['nobody', 'a b@c'],
    ADMIN_PASSWORD: ['short', 'x'.repeat(129)],
    RATE_LIMIT_MULTIPLIER: ['0', '-1', 'many', '1e3', 'Infinity'],
    TRUST_PROXY: ['-1', 'true', '1.5'],
    ALLOWED_ORIGINS: ['*', 'example.org', 'https://a.example/path', 'https://a.example,nonsense'],
    USAGE_RETENTION: ['400', '36501d'],
    EVENT_RETENTION: ['7', '7w', '0d', '-1d', '1.5h', 'd', '36501d', '9999999d'],
    REQUEST_RETENTION: ['30', '1y'],
    PUBLIC_URL: ['box.example', 'ftp://box', 'https://a:b@box', 'https://box/?a', 'https://box/#a'],
    WEBHOOK_ALLOWED_NETWORKS: ['10.0.0.0', '10/8', '0x7f000001/8', '10.0.0.0/33', 'here'],
    LOG_LEVEL: ['loud', 'INFO'],
    OTEL_TRACES_EXPORTER: ['jaeger'],
    OTEL_EXPORTER_OTLP_ENDPOINT: ['collector:4318'],
    OTEL_EXPORTER_OTLP_PROTOCOL: ['grpc'],
    OTEL_TRACES_SAMPLER: ['some'],
    OTEL_TRACES_SAMPLER_ARG: ['2', '-1'],
    OTEL_RESOURCE_ATTRIBUTES: ['staging', 'a=b=c', '=b', 'a=%', 'a=b,c', `a=${'b'.repeat(256)}`],
  }

  it.each(Object.entries(wrong).flatMap(([name, values]) => values.map((value) => [name, value] as const)))(
    'names %s when it is %j, and does not show it',
    (name, value) => {
      expect(problemsOf({ [name]: value })).toEqual([expect.stringMatching(`^${name} `)])
      if (['SECRET_KEY', 'ADMIN_PASSWORD'].includes(name))
        expect(problemsOf({ [name]: value })[0]).not.toContain(value)
    },
  )

  it('names every wrong variable at once', () => {
    const all = Object.fromEntries(Object.entries(wrong).map(([name, [value = '']]) => [name, value]))
    const named = problemsOf(all).map((line) => line.split(' ')[0])
    expect(named.sort()).toEqual(Object.keys(wrong).sort())
    expect(problemsOf({ NODE_ENV: 'production', PORT: 'x' }).map((line) => line.split(' ')[0])).toEqual([
      'PORT',
      'SECRET_KEY',
    ])
  })
})

import { describe, expect, it } from 'vitest'
import { ConfigError, readConfig } from '#src/config.ts'

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
      database_url: undefined,
      data_dir: './data',
      redis_url: undefined,
      secret_keys: undefined,
      admin_email: undefined,
      admin_password: undefined,
      rate_limit_multiplier: 1,
      trusted_hops: 0,
      allowed_origins: [],
      webhook_networks: [],
      retention_seconds: 7 * 24 * 60 * 60,
      log_level: 'info',
    })
  })

  it('reads every variable', () => {
    const variables = {
      HOST: '::',
      PORT: '0',
      DATABASE_URL: 'postgresql://user@db/name',
      DATA_DIR: '/data',
      REDIS_URL: 'rediss://cache:6380/2',
      SECRET_KEY: secret,
      ADMIN_EMAIL: 'Admin@Example.org',
      ADMIN_PASSWORD: 'password',
      RATE_LIMIT_MULTIPLIER: '0.5',
      TRUST_PROXY: '2',
      ALLOWED_ORIGINS: 'https://a.example, http://b.example:8080',
      WEBHOOK_ALLOWED_NETWORKS: '10.0.0.0/8, fd00::/8',
      EVENT_RETENTION: '90m',
      LOG_LEVEL: 'debug',
      NODE_ENV: 'production',
      PATH: '/usr/bin',
    }
    expect(readConfig(variables)).toEqual({
      host: '::',
      port: 0,
      database_url: 'postgresql://user@db/name',
      data_dir: '/data',
      redis_url: 'rediss://cache:6380/2',
      secret_keys: [secret],
      admin_email: 'admin@example.org',
      admin_password: 'password',
      rate_limit_multiplier: 0.5,
      trusted_hops: 2,
      allowed_origins: ['https://a.example', 'http://b.example:8080'],
      webhook_networks: ['10.0.0.0/8', 'fd00::/8'],
      retention_seconds: 5_400,
      log_level: 'debug',
    })
  })

  it('takes an empty variable as unset', () => {
    expect(readConfig({ PORT: '', DATABASE_URL: '', SECRET_KEY: '' })).toEqual(readConfig({}))
  })

  it('needs a secret in production', () => {
    expect(problemsOf({ NODE_ENV: 'production' })).toEqual([expect.stringMatching(/^SECRET_KEY /)])
    expect(problemsOf({ NODE_ENV: 'production', SECRET_KEY: '' })).toHaveLength(1)
    expect(problemsOf({ NODE_ENV: 'production', SECRET_KEY: secret })).toEqual([])
  })

  const wrong = {
    PORT: ['65536', '-1', 'http', '80.5', ' 80'],
    DATABASE_URL: ['mysql://db', 'db', 'localhost:5432'],
    REDIS_URL: ['http://cache', 'cache:6379'],
    SECRET_KEY: ['x'.repeat(31)],
    ADMIN_EMAIL: ['nobody', 'a b@c'],
    ADMIN_PASSWORD: ['short', 'x'.repeat(129)],
    RATE_LIMIT_MULTIPLIER: ['0', '-1', 'many', '1e3', 'Infinity'],
    TRUST_PROXY: ['-1', 'true', '1.5'],
    ALLOWED_ORIGINS: ['*', 'example.org', 'https://a.example/path', 'https://a.example,nonsense'],
    EVENT_RETENTION: ['7', '7w', '0d', '-1d', '1.5h', 'd'],
    LOG_LEVEL: ['loud', 'INFO'],
  }

  it.each(Object.entries(wrong).flatMap(([name, values]) => values.map((value) => [name, value] as const)))(
    'names %s when it is %j, and does not show it',
    (name, value) => {
      expect(problemsOf({ [name]: value })).toEqual([expect.stringMatching(`^${name} `)])
      if (name === 'SECRET_KEY' || name === 'ADMIN_PASSWORD')
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

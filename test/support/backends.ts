import { Redis } from 'ioredis'
import { pino } from 'pino'
import { inject } from 'vitest'
import { type App, createApp } from '#src/app.ts'
import { type Config, readConfig } from '#src/config.ts'
import type { WebhookTimings } from '#src/domain/webhook.ts'
import { admin } from './admin.ts'
import { createEmptyDatabase, createTestDatabase } from './databases.ts'

/** One contract, one suite: each backend runs the same tests. */
export type Backend = { name: string; config: () => Promise<Partial<Config>> }

const { database_url, redis_url } = inject('services')

const embedded: Backend = { name: 'embedded', config: async () => ({ data_dir: 'memory://' }) }

/** What servers of their own share, with no schema yet; undefined where PostgreSQL or Redis is missing. */
export async function createBareServices(): Promise<{ database_url: string; redis_url: string } | undefined> {
  if (!database_url || !redis_url) return undefined
  return {
    database_url: await createEmptyDatabase(database_url, inject('run')),
    redis_url: await ownRedis(redis_url),
  }
}

const servers: Backend | undefined =
  database_url && redis_url
    ? {
        name: 'PostgreSQL and Redis',
        config: async () => ({
          database_url: await createTestDatabase(database_url, inject('run')),
          redis_url: await ownRedis(redis_url),
        }),
      }
    : undefined

export const backends: Backend[] = servers ? [embedded, servers] : [embedded]
/** For suites about several processes; empty where the servers are missing. */
export const sharedBackends: Backend[] = servers ? [servers] : []

/** The Redis database of this worker, emptied, so that the limits of one file don't count in another. */
async function ownRedis(url: string): Promise<string> {
  const own = new URL(url)
  own.pathname = `/${Number(process.env.VITEST_POOL_ID ?? 1) % 16}`
  const redis = new Redis(own.href)
  await redis.flushdb()
  redis.disconnect()
  return own.href
}

export { admin }

const defaults: Config = {
  ...readConfig({}),
  port: 0,
  secret_keys: ['a secret key for tests, of a good length'],
  admin_email: admin.email,
  admin_password: admin.password,
  // Redis's counts are those of all files that run: none may come near a limit that it does not set itself.
  rate_limit_multiplier: 10_000,
}

export function testConfig(own: Partial<Config>): Config {
  return { ...defaults, ...own }
}

export function startApp(own: Partial<Config>, timings?: WebhookTimings): Promise<App> {
  return createApp(testConfig(own), pino({ level: process.env.TEST_LOG ?? 'silent' }), timings)
}

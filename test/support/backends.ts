import { openAsBlob } from 'node:fs'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { inject } from 'vitest'
import { type Config, readConfig } from '#src/config/config.ts'
import { type App, type AppOptions, createApp } from '#src/server/app.ts'
import { admin } from './admin.ts'
import { createEmptyDatabase, createTestDatabase } from './databases.ts'

/** One contract, one suite: each backend runs the same tests. */
export type Backend = { name: string; config: () => Promise<Partial<Config>> }

const { databaseUrl, redisUrl } = inject('services')

const embedded: Backend = { name: 'embedded', config: async () => ({ dataDir: 'memory://' }) }

/** What servers of their own share, with no schema yet; undefined where PostgreSQL or Redis is missing. */
export async function createBareServices(): Promise<{ databaseUrl: string; redisUrl: string } | undefined> {
  if (!databaseUrl || !redisUrl) return undefined
  return {
    databaseUrl: await createEmptyDatabase(databaseUrl, inject('run')),
    redisUrl: await ownRedis(redisUrl),
  }
}

const servers: Backend | undefined =
  databaseUrl && redisUrl
    ? {
        name: 'PostgreSQL and Redis',
        config: async () => ({
          databaseUrl: await createTestDatabase(databaseUrl, inject('run')),
          redisUrl: await ownRedis(redisUrl),
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
  secretKeys: ['a secret key for tests, of a good length'],
  adminEmail: admin.email,
  adminPassword: admin.password,
  // Redis's counts are those of all files that run: none may come near a limit that it does not set itself.
  rateLimitMultiplier: 10_000,
}

export function testConfig(own: Partial<Config>): Config {
  return { ...defaults, ...own }
}

export async function startApp(own: Partial<Config>, options?: AppOptions): Promise<App> {
  const databaseImage = await openAsBlob(inject('embeddedImage'))
  const log = pino({ level: process.env.TEST_LOG ?? 'silent' })
  return createApp(testConfig(own), log, { databaseImage, ...options })
}

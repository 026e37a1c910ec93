import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { createTestDatabase, dropTestDatabases } from '../../test/support/databases.ts'
import { createFleet, type Fleet, Rest } from '../../test/support/rest.ts'
import { findServices, freePort } from '../../test/support/services.ts'
import { Measured } from './measured.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
export const SECRET = 'a secret key for benches, long enough to be one'
const admin = { email: 'bench@example.org', password: 'correct horse bench' }

/** The servers that a bench needs, with a database of its own; `end` removes it. */
export type Stage = {
  databaseUrl: string
  redisUrl: string
  redis: Redis
  startSignalbox: (env?: Record<string, string>, options?: { isPinned: boolean }) => Promise<Signalbox>
  end: () => Promise<void>
}

/** Sockets that one principal opens in a bench: below what the server allows. */
const SOCKETS_OF_PRINCIPAL = 900

/** Tokens of as many users as it takes to open so many sockets; one after the other. */
export async function createTokens(rest: Rest, sockets: number): Promise<() => string> {
  const tokens: string[] = []
  for (let index = 0; index * SOCKETS_OF_PRINCIPAL < sockets; index++) {
    const user = {
      email: `bench-${process.pid}-${index}-${Date.now()}@example.org`,
      password: 'correct horse bench',
    }
    await rest.post('/users', { ...user, is_superuser: true })
    tokens.push((await rest.signIn(user)).token ?? '')
  }
  let given = 0
  return () => tokens[given++ % tokens.length] as string
}

export type Signalbox = { server: Measured; origin: string; ws: string; rest: Rest; fleet: Fleet }

export async function openStage(): Promise<Stage> {
  const services = await findServices(process.env)
  if (!services.databaseUrl || !services.redisUrl) {
    await services.stop()
    throw new Error(`a bench needs PostgreSQL and Redis; missing: ${services.missing.join(', ')}`)
  }
  const run = `bench_${process.pid}`
  const databaseUrl = await createTestDatabase(services.databaseUrl, run)
  const redisUrl = services.redisUrl
  const redis = new Redis(redisUrl)
  const started: Measured[] = []
  const startSignalbox = async (
    env: Record<string, string> = {},
    options = { isPinned: true },
  ): Promise<Signalbox> => {
    const port = await freePort()
    const server = await Measured.start({
      ...options,
      command: process.execPath,
      args: ['--max-semi-space-size=16', '--max-old-space-size=1024', main],
      ready: { port, path: '/readyz' },
      env: {
        PORT: String(port),
        DATABASE_URL: databaseUrl,
        REDIS_URL: redisUrl,
        SECRET_KEY: SECRET,
        ADMIN_EMAIL: admin.email,
        ADMIN_PASSWORD: admin.password,
        RATE_LIMIT_MULTIPLIER: '1000000',
        LOG_LEVEL: 'warn',
        ...env,
      },
    })
    started.push(server)
    const origin = `http://127.0.0.1:${server.port}`
    const rest = await Rest.at(origin).signIn(admin)
    return {
      server,
      origin,
      ws: `${origin.replace('http', 'ws')}/api/v1/ws`,
      rest,
      fleet: await createFleet(rest),
    }
  }
  const end = async () => {
    for (const server of started) await server.stop()
    redis.disconnect()
    await dropTestDatabases(services.databaseUrl as string, run)
    await services.stop()
  }
  return { databaseUrl, redisUrl, redis, startSignalbox, end }
}

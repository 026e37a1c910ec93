import type { Hono } from 'hono'
import type { Bus } from '#src/bus/bus.ts'
import { type Database, statement } from '#src/store/database.ts'
import type { HttpEnv } from './env.ts'

export type SystemParts = {
  database: Database
  bus: Bus
  hasPendingMigrations: () => Promise<boolean>
  isDraining: () => boolean
  /** The Prometheus text. */
  readMetrics: () => Promise<{ type: string; text: string }>
}

const probe = statement('probe', 'select 1')

/** The routes of those who operate a server; they are not under `/api/v1`, not limited, and need no credentials. */
export function addSystemRoutes(app: Hono<HttpEnv>, parts: SystemParts): void {
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.get('/readyz', async (c) => {
    const report = await readiness(parts)
    return c.json(
      report,
      report.status === 'ready' ? 200 : 503,
      report.status === 'ready' ? {} : { 'Retry-After': '1' },
    )
  })
  app.get('/metrics', async (c) => {
    const { type, text } = await parts.readMetrics()
    return c.body(text, 200, { 'Content-Type': type })
  })
}

const redisWords = { none: 'not configured', up: 'ok', down: 'degraded' } as const

async function readiness({ database, bus, hasPendingMigrations, isDraining }: SystemParts) {
  const reachable = await database.run(probe).then(
    () => true,
    () => false,
  )
  const pending = reachable && (await hasPendingMigrations().catch(() => true))
  const ready = reachable && !pending && !isDraining()
  return {
    status: ready ? 'ready' : isDraining() ? 'draining' : 'not ready',
    database: reachable ? 'ok' : 'unreachable',
    migrations: reachable ? (pending ? 'pending' : 'ok') : 'unknown',
    redis: redisWords[bus.state()],
  }
}

import type { Hono } from 'hono'
import type { Bus } from '#src/bus/bus.ts'
import type { Database } from '#src/store/database.ts'
import { readReadiness } from '#src/store/readiness.ts'
import type { HttpEnv } from './env.ts'

export type SystemParts = {
  database: Database
  bus: Bus
  isDraining: () => boolean
  /** The Prometheus text. */
  readMetrics: () => Promise<{ type: string; text: string }>
}

/** Routes for operators: outside of `/api/v1`, without limits and credentials. */
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

async function readiness({ database, bus, isDraining }: SystemParts) {
  const found = await readReadiness(database)
  const ready = found.database === 'ok' && found.migrations === 'ok' && !isDraining()
  return {
    status: ready ? 'ready' : isDraining() ? 'draining' : 'not ready',
    ...found,
    redis: redisWords[bus.state()],
  }
}

import type { Hono } from 'hono'
import { createAsyncApi } from './asyncapi.ts'
import type { HttpContext } from './context.ts'
import { addDashboardRoutes } from './dashboard.ts'
import { DASHBOARD_BASE, dashboardSessionRoutes } from './dashboard-session.ts'
import { addDocsRoutes } from './docs.ts'
import type { HttpEnv } from './env.ts'
import { createAnswerOnce } from './idempotency.ts'
import { createOpenApi } from './openapi.ts'
import { API_BASE, addRoutes, createRouter, type RouterParts, refuseOtherMethods } from './router.ts'
import { accessRoutes } from './routes/access.ts'
import { agentActionRoutes } from './routes/agent-actions.ts'
import { agentTypeRoutes } from './routes/agent-types.ts'
import { agentRoutes } from './routes/agents.ts'
import { authRoutes } from './routes/auth.ts'
import { eventRoutes } from './routes/events.ts'
import { issueRoutes } from './routes/issues.ts'
import { projectRoutes } from './routes/projects.ts'
import { runtimeRoutes } from './routes/runtime.ts'
import { userRoutes } from './routes/users.ts'
import { webhookRoutes } from './routes/webhooks.ts'
import { addSystemRoutes, type SystemParts } from './system.ts'
import { addWebSocketRoute } from './websocket.ts'

/** The whole HTTP side. A new group of routes is one line here. */
export function createApi(context: HttpContext, parts: RouterParts, system: SystemParts): Hono<HttpEnv> {
  const routes = [
    ...authRoutes(),
    ...userRoutes(),
    ...projectRoutes(),
    ...agentTypeRoutes(),
    ...agentRoutes(),
    ...agentActionRoutes(),
    ...runtimeRoutes(),
    ...issueRoutes(),
    ...accessRoutes(),
    ...eventRoutes(),
    ...webhookRoutes(),
  ]
  const document = createOpenApi(routes)
  const app = createRouter(parts)
  addSystemRoutes(app, system)
  addWebSocketRoute(app, parts)
  app.get(`${API_BASE}/openapi.json`, (c) => c.json(document))
  const messages = createAsyncApi()
  app.get(`${API_BASE}/asyncapi.json`, (c) => c.json(messages))
  addDocsRoutes(app, messages)
  const shared = { ...parts, context, answerOnce: createAnswerOnce() }
  addRoutes(app, routes, shared)
  addDashboardRoutes(app)
  addRoutes(app, dashboardSessionRoutes(parts.trusted_hops), { ...shared, base: DASHBOARD_BASE })
  const readOnly = [
    '/',
    '/healthz',
    '/readyz',
    '/metrics',
    `${API_BASE}/ws`,
    `${API_BASE}/openapi.json`,
    `${API_BASE}/asyncapi.json`,
    `${API_BASE}/docs`,
  ]
  for (const path of readOnly) refuseOtherMethods(app, path, ['GET', 'HEAD'])
  return app
}

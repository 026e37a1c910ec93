import type { Hono } from 'hono'
import { createAsyncApi } from './asyncapi.ts'
import type { HttpContext } from './context.ts'
import { addDashboardRoutes } from './dashboard.ts'
import { DASHBOARD_BASE, dashboardSessionRoutes } from './dashboard-session.ts'
import { addDocsRoutes } from './docs.ts'
import type { HttpEnv } from './env.ts'
import { addMcpRoute } from './mcp.ts'
import { createOpenApi } from './openapi.ts'
import {
  API_BASE,
  addRoutes,
  allowOrigins,
  createRouter,
  type RouterParts,
  refuseOtherMethods,
} from './router.ts'
import { accessRoutes } from './routes/access.ts'
import { agentActionRoutes } from './routes/agent-actions.ts'
import { agentTypeRoutes } from './routes/agent-types.ts'
import { agentRoutes } from './routes/agents.ts'
import { authRoutes } from './routes/auth.ts'
import { budgetRoutes } from './routes/budgets.ts'
import { eventRoutes } from './routes/events.ts'
import { historyRoutes } from './routes/history.ts'
import { holdRoutes } from './routes/holds.ts'
import { httpRuntimeRoutes } from './routes/http-runtimes.ts'
import { issueRoutes } from './routes/issues.ts'
import { projectRoutes } from './routes/projects.ts'
import { requestRoutes } from './routes/requests.ts'
import { runtimeRoutes } from './routes/runtime.ts'
import { usageRoutes } from './routes/usage.ts'
import { userRoutes } from './routes/users.ts'
import { webhookRoutes } from './routes/webhooks.ts'
import { addSystemRoutes, type SystemParts } from './system.ts'
import { answerVerdicts, verdictRoute } from './verdict.ts'
import { addWebSocketRoute } from './websocket.ts'

/** Joins all routes. A new group of routes is one line here. */
export function createApi(context: HttpContext, parts: RouterParts, system: SystemParts): Hono<HttpEnv> {
  const routes = [
    ...authRoutes(),
    ...userRoutes(),
    ...projectRoutes(),
    ...agentTypeRoutes(),
    // Before the routes of one agent: `at` is no id.
    ...historyRoutes(),
    ...agentRoutes(),
    ...agentActionRoutes(),
    ...runtimeRoutes(),
    ...httpRuntimeRoutes(),
    ...requestRoutes(),
    ...holdRoutes(),
    ...issueRoutes(),
    ...accessRoutes(),
    ...eventRoutes(),
    ...webhookRoutes(parts.trustedHops),
    ...usageRoutes(),
    ...budgetRoutes(),
  ]
  const document = createOpenApi([...routes, verdictRoute])
  const app = createRouter(parts)
  app.use(answerVerdicts(context, parts))
  allowOrigins(app, parts.allowedOrigins)
  addSystemRoutes(app, system)
  addWebSocketRoute(app, parts)
  addMcpRoute(app, parts)
  app.get(`${API_BASE}/openapi.json`, (c) => c.json(document))
  const messages = createAsyncApi()
  app.get(`${API_BASE}/asyncapi.json`, (c) => c.json(messages))
  addDocsRoutes(app, messages)
  const shared = { ...parts, context }
  addRoutes(app, routes, shared)
  addDashboardRoutes(app)
  addRoutes(app, dashboardSessionRoutes(parts.trustedHops), { ...shared, base: DASHBOARD_BASE })
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

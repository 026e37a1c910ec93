import { randomUUID } from 'node:crypto'
import { type Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import { routePath } from 'hono/route'
import { secureHeaders } from 'hono/secure-headers'
import type { Logger } from 'pino'
import * as v from 'valibot'
import type { Authenticate } from '#src/auth/authenticate.ts'
import { type Standing, userBehind } from '#src/domain/access.ts'
import { refuse } from '#src/domain/errors.ts'
import type { UnsentBudget } from '#src/domain/unsent-budget.ts'
import { uuid as uuidSchema } from '#src/protocol/values.ts'
import { toRefusal } from '#src/store/failures.ts'
import { activeTraceId, describeActive } from '#src/tracing/trace.ts'
import { authorize, projectParam, turnOf } from './authorize.ts'
import { clientAddress } from './client-address.ts'
import type { HttpContext } from './context.ts'
import type { HttpEnv } from './env.ts'
import { errorResponse } from './errors.ts'
import { answerOnce, readClaim } from './idempotency.ts'
import { parseInput } from './input.ts'
import type { RateLimits } from './rate-limit.ts'
import { jsonText } from './raw-responses.ts'
import type { Route } from './route.ts'
import { traceRequests } from './trace-requests.ts'

export const API_BASE = '/api/v1'

/** `route` is the operation, or the path as it was registered, or `other`. */
export type Answered = { route: string; method: string; status: number; seconds: number }

export type RouterParts = {
  log: Logger
  onAnswered: (answered: Answered) => void
  authenticate: Authenticate
  rateLimits: RateLimits
  budget: UnsentBudget
  trustedHops: number
  allowedOrigins: readonly string[]
  /** Aborts when the server begins to stop. */
  closing: AbortSignal
}

/**
 * Checks in the order of the contract: unknown route 404, wrong method 405, rate limit, credentials, path and body. The
 * handler does the rest. All refusals leave through one `onError`.
 */
export function createRouter(parts: RouterParts): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>()
  app.use(nameRequest)
  app.use(traceRequests)
  app.use(nameAddress(parts.trustedHops))
  app.use(reportRequests(parts))
  app.use(secureHeaders())
  app.notFound((c) => errorResponse(c, refuse('not_found', 'No such route')))
  app.onError((error, c) => {
    const report = (failure: unknown) => c.set('failure', failure)
    return errorResponse(c, toRefusal(error, report))
  })
  return app
}

/** Answers the methods that a path does not have. Call it after adding the routes of that path. */
export function refuseOtherMethods(app: Hono<HttpEnv>, path: string, allowed: readonly string[]): void {
  app.all(path, (c) => {
    c.header('Allow', allowed.join(', '))
    return errorResponse(c, refuse('method_not_allowed', `${c.req.method} is not allowed here`))
  })
}

type RouteParts = RouterParts & { context: HttpContext; base?: string }

/** Adds the routes below `base`, and answers the other methods of their paths. */
export function addRoutes(
  app: Hono<HttpEnv>,
  routes: readonly Route[],
  { base = API_BASE, ...parts }: RouteParts,
): void {
  for (const route of routes) {
    const handler = createHandler(route, { ...parts, base })
    app.on(route.method.toUpperCase(), base + toHonoPath(route.path), handler)
  }
  for (const [path, methods] of groupMethods(routes)) {
    refuseOtherMethods(app, base + toHonoPath(path), methods)
  }
}

function createHandler(route: Route, { base, context, ...parts }: RouteParts & { base: string }) {
  const limit = parts.rateLimits(route.operation_id, route.limit)
  const identify = createIdentify(route, parts.authenticate)
  const path = base + route.path
  const name = `${route.method.toUpperCase()} ${path}`
  return async (c: Context<HttpEnv>): Promise<Response> => {
    c.set('operation', route.operation_id)
    describeActive(name, { 'http.route': path })
    await limit(c, c.get('address'))
    const standing = await identify(c)
    const input = await parseInput(c, route)
    route.check?.(input as never)
    const principal = c.get('principal')
    if (principal) {
      authorize(route, { principal, standing, params: input.params })
      c.set('account', parts.budget.account(userBehind(principal)))
    }
    const answer = async (inContext: HttpContext): Promise<Response> => {
      const result = await route.handle({ ...input, principal, context: inContext, c } as never)
      return result instanceof Response ? result : jsonText(c, JSON.stringify(result), route.success.status)
    }
    const turn = turnOf(route, input, principal)
    if (route.method === 'get' || turn === undefined) return answer(context)
    const database = context.turns.share(context.database, turn)
    const inTurn = { ...context, database }
    const claim = principal && readClaim(c, route, { principal, input, keys: context.keys })
    const answered = await (claim ? answerOnce(c, { context: inTurn, claim }, answer) : answer(inTurn))
    if (!route.settle || !answered.ok) return answered
    const settled = await route.settle(inTurn, (await answered.json()) as { id: string })
    return jsonText(c, JSON.stringify(settled), route.success.status)
  }
}

/** Authenticates, and reads in the same statement the principal's standing in the project of the path. */
function createIdentify(route: Route, authenticate: Authenticate) {
  const param = projectParam(route)
  return async (c: Context<HttpEnv>): Promise<Standing | undefined> => {
    if (route.access === 'public') return undefined
    const token = readBearer(c)
    if (token === undefined) throw refuse('no_credentials', 'Credentials are required')
    const named = param === undefined ? undefined : v.safeParse(uuidSchema, c.req.param(param))
    const project_id = named?.success ? named.output : undefined
    const { standing, ...authentication } = await authenticate(token, project_id)
    c.set('principal', authentication.principal)
    c.set('authentication', authentication)
    return standing
  }
}

/** Undefined without an `Authorization` header. Refuses schemes other than `Bearer`. */
export function readBearer(c: Context<HttpEnv>): string | undefined {
  const header = c.req.header('authorization')
  if (header === undefined) return undefined
  const token = /^bearer +(\S+) *$/i.exec(header)?.[1]
  if (!token) throw refuse('bad_token', 'The credentials are not a bearer token')
  return token
}

function toHonoPath(path: string): string {
  return path.replaceAll('{', ':').replaceAll('}', '')
}

function groupMethods(routes: readonly Route[]): Map<string, string[]> {
  const methods = new Map<string, string[]>()
  for (const { path, method } of routes) {
    const named = method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]
    methods.set(path, [...(methods.get(path) ?? []), ...named])
  }
  return methods
}

const requestId = /^[A-Za-z0-9._-]{1,128}$/

function nameAddress(trustedHops: number) {
  return async (c: Context<HttpEnv>, next: () => Promise<void>): Promise<void> => {
    c.set('address', c.env.address ?? clientAddress(c, trustedHops))
    await next()
  }
}

async function nameRequest(c: Context<HttpEnv>, next: () => Promise<void>): Promise<void> {
  const given = c.req.header('x-request-id')
  const id = given && requestId.test(given) ? given : randomUUID()
  c.set('request_id', id)
  c.header('X-Request-Id', id)
  await next()
}

function nameRoute(c: Context<HttpEnv>): string {
  const path = routePath(c, -1)
  return c.get('operation') ?? (path.endsWith('*') ? 'other' : path)
}

function reportRequests({ log, onAnswered }: Pick<RouterParts, 'log' | 'onAnswered'>) {
  return async (c: Context<HttpEnv>, next: () => Promise<void>): Promise<void> => {
    const started = performance.now()
    await next()
    const ms = performance.now() - started
    onAnswered({ route: nameRoute(c), method: c.req.method, status: c.res.status, seconds: ms / 1000 })
    const failure = c.get('failure')
    const level = failure ? 'error' : 'info'
    log[level](
      {
        request_id: c.get('request_id'),
        trace_id: activeTraceId(),
        method: c.req.method,
        path: c.req.path,
        status: c.res.status,
        ms: Math.round(ms),
        address: c.get('address'),
        principal: c.get('principal')?.id,
        ...(failure ? { err: failure } : {}),
      },
      'request',
    )
  }
}

/** Answers preflights, of whatever path. */
export function allowOrigins(app: Hono<HttpEnv>, origins: readonly string[]): void {
  if (origins.length === 0) return
  const answer = cors({
    origin: [...origins],
    exposeHeaders: [
      'X-Request-Id',
      'Location',
      'Retry-After',
      'RateLimit-Limit',
      'RateLimit-Remaining',
      'RateLimit-Reset',
    ],
    maxAge: 600,
  })
  app.use(answer)
}

import { randomUUID } from 'node:crypto'
import { type Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import { routePath } from 'hono/route'
import { secureHeaders } from 'hono/secure-headers'
import type { Logger } from 'pino'
import * as v from 'valibot'
import type { Authenticate } from '#src/auth/authenticate.ts'
import type { Standing } from '#src/domain/access.ts'
import { refuse } from '#src/domain/errors.ts'
import { uuid as uuidSchema } from '#src/protocol/values.ts'
import { activeTraceId, describeActive } from '#src/tracing/trace.ts'
import { authorize, type HttpContext, projectParam } from './context.ts'
import type { HttpEnv } from './env.ts'
import { errorResponse, toRefusal } from './errors.ts'
import { type AnswerOnce, readClaim } from './idempotency.ts'
import { parseInput } from './input.ts'
import { clientAddress, type RateLimits } from './rate-limit.ts'
import type { Route } from './route.ts'
import { traceRequests } from './trace-requests.ts'

export const API_BASE = '/api/v1'

/** `route`: its operation, or its path as it was registered; `other` for what is no route. */
export type Answered = { route: string; method: string; status: number; seconds: number }

export type RouterParts = {
  log: Logger
  onAnswered: (answered: Answered) => void
  authenticate: Authenticate
  rateLimits: RateLimits
  trusted_hops: number
  allowed_origins: readonly string[]
}

/**
 * Every route in the order of the contract: unknown route 404, wrong method 405, rate limit, credentials,
 * path and body; the rest is the handler's. All refusals leave through one `onError`.
 */
export function createRouter(parts: RouterParts): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>()
  app.use(nameRequest)
  app.use(traceRequests)
  app.use(nameAddress(parts.trusted_hops))
  app.use(tellOfRequests(parts))
  app.use(secureHeaders())
  if (parts.allowed_origins.length > 0) app.use(allowOrigins(parts.allowed_origins))
  app.notFound((c) => errorResponse(c, refuse('not_found', 'No such route')))
  app.onError((error, c) => {
    const report = (failure: unknown) => c.set('failure', failure)
    return errorResponse(c, toRefusal(error, report))
  })
  return app
}

/** The answer to every method that a path does not have; after the routes of that path. */
export function refuseOtherMethods(app: Hono<HttpEnv>, path: string, allowed: readonly string[]): void {
  app.all(path, (c) => {
    c.header('Allow', allowed.join(', '))
    return errorResponse(c, refuse('method_not_allowed', `${c.req.method} is not allowed here`))
  })
}

type RouteParts = RouterParts & { context: HttpContext; answerOnce: AnswerOnce; base?: string }

/** Adds the routes below `base`, `/api/v1` by default, and for each of their paths the answer to other methods. */
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

function createHandler(route: Route, { base, context, answerOnce, ...parts }: RouteParts & { base: string }) {
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
    if (principal) authorize(route, { principal, standing, params: input.params })
    const answer = async (inContext: HttpContext): Promise<Response> => {
      const result = await route.handle({ ...input, principal, context: inContext, c } as never)
      return result instanceof Response ? result : c.json(result as object, route.success.status)
    }
    const claim = principal && readClaim(c, route, { principal, input, keys: context.keys })
    return claim ? answerOnce(c, { context, claim }, answer) : answer(context)
  }
}

/** Finds out who is asking, and, in the same statement, where they stand in the project that the path names. */
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

/** The token of `Authorization: Bearer`; undefined without that header. Refuses other schemes. */
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

function nameAddress(trusted_hops: number) {
  return async (c: Context<HttpEnv>, next: () => Promise<void>): Promise<void> => {
    c.set('address', clientAddress(c, trusted_hops))
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

function tellOfRequests({ log, onAnswered }: Pick<RouterParts, 'log' | 'onAnswered'>) {
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

function allowOrigins(origins: readonly string[]) {
  return cors({
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
}

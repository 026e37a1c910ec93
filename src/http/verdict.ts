import type { Context, Next } from 'hono'
import * as v from 'valibot'
import { authenticateForAgent } from '#src/auth/authenticate.ts'
import { assertAllowed, assertAllowedAnywhere, roleIn } from '#src/domain/access.ts'
import { notFound, refuse, SignalboxError } from '#src/domain/errors.ts'
import { toProblems } from '#src/protocol/problems.ts'
import { namedAgent, verdict, verdictQuery } from '#src/protocol/verdict.ts'
import { describeActive } from '#src/tracing/trace.ts'
import { limits, TOKEN_HEADER } from './bounds.ts'
import type { HttpContext } from './context.ts'
import type { HttpEnv } from './env.ts'
import { errorResponse } from './errors.ts'
import type { DocumentedRoute } from './route.ts'
import { API_BASE, type RouterParts, readBearer } from './router.ts'

/** What the OpenAPI document says; the answer is not made by the router, since it takes every method and path. */
export const verdictRoute: DocumentedRoute = {
  method: 'get',
  path: '/verdict',
  operation_id: 'get_verdict',
  summary: 'Ask whether an agent may run',
  description:
    'For proxies, before each request of an agent. Every method and every path below are answered in the same way, and a body is ' +
    'ignored. X-Signalbox-Agent and X-Signalbox-Status say which agent it is and its status. A paused or terminated agent ' +
    'gets a 403 with the code RT_005.',
  tag: 'Enforcement',
  limit: limits.verdict,
  access: 'ask_verdict',
  has_token_header: true,
  query: verdictQuery,
  success: { status: 200, schema: verdict, description: 'The agent may run' },
}

const PATH = API_BASE + verdictRoute.path
/** Also the absolute form of a target. */
const sentTarget = new RegExp(`^(?:https?://[^/?#]*)?${PATH}(?:[/?#]|$)`)

/**
 * Proxies append the path of the request that they ask about. So the target counts as it was sent: `..` in it must not lead
 * to another route, whose success would count as a verdict.
 */
function isAsked(c: Context<HttpEnv>): boolean {
  return (
    c.req.path === PATH || c.req.path.startsWith(`${PATH}/`) || sentTarget.test(c.env.incoming?.url ?? '')
  )
}

/**
 * Answers whether an agent may run, from its row as it is now. It comes before whatever else answers a request, preflights
 * too, because a proxy takes any success for a yes.
 */
export function answerVerdicts(context: HttpContext, { rateLimits, authenticate }: RouterParts) {
  const limit = rateLimits(verdictRoute.operation_id, verdictRoute.limit)
  const asking = { database: context.database, authenticate, now: () => Date.parse(context.clock()) }
  return async (c: Context<HttpEnv>, next: Next): Promise<Response | undefined> => {
    if (!isAsked(c)) {
      await next()
      return undefined
    }
    c.set('operation', verdictRoute.operation_id)
    describeActive(`${c.req.method} ${PATH}`, { 'http.route': PATH })
    c.header('Cache-Control', 'no-store')
    await limit(c, c.get('address'))
    const token = c.req.header(TOKEN_HEADER) || readBearer(c)
    if (token === undefined) throw refuse('no_credentials', 'Credentials are required')
    const named = v.safeParse(namedAgent, c.req.query())
    const agent_id = named.success ? named.output.agent_id : undefined
    const { agent, standing, principal } = await authenticateForAgent(asking, token, agent_id)
    c.set('principal', principal)
    assertAllowedAnywhere(principal, 'ask_verdict')
    // The token of an agent says which one is meant.
    if (!principal.scope?.agent_id && !named.success)
      throw new SignalboxError('invalid', toProblems(named.issues))
    assertAllowed(standing && roleIn(principal, standing), 'read_agent')
    if (!agent) throw notFound.agent(agent_id ?? '', principal.scope?.project_id ?? '')
    c.header('X-Signalbox-Agent', agent.id)
    c.header('X-Signalbox-Status', agent.status)
    c.header('X-Signalbox-Project', principal.scope?.project_id)
    if (agent.status === 'paused' || agent.status === 'terminated') {
      return errorResponse(c, refuse('agent_stopped', `Agent is ${agent.status}`))
    }
    return c.json({ allowed: true, status: agent.status })
  }
}

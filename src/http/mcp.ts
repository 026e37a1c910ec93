import type { Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { createApi } from '#src/client/rest/rest.ts'
import { isAllowedAnywhere } from '#src/domain/access.ts'
import { refuse } from '#src/domain/errors.ts'
import { describeActive } from '#src/tracing/trace.ts'
import { limits, MAX_BODY_BYTES } from './bounds.ts'
import type { HttpEnv } from './env.ts'
import { createInnerFetch } from './inner-fetch.ts'
import { assertBodyFits } from './input.ts'
import { isOriginAllowed } from './origin.ts'
import { API_BASE, type RouterParts, readBearer, refuseOtherMethods } from './router.ts'

const PATH = `${API_BASE}/mcp`

/**
 * The Model Context Protocol for assistants. Its tools call the routes of this same app with the caller's credentials and from
 * the caller's address, so limits, rights, transactions and the audit trail are those of REST.
 */
export function addMcpRoute(app: Hono<HttpEnv>, parts: RouterParts): void {
  const limit = parts.rateLimits('mcp', limits.mcp)
  app.post(PATH, async (c) => {
    // It is no operation of its own for metrics: a wait is no slow request, and what its tools call counts as usual.
    describeActive(`POST ${PATH}`, { 'http.route': PATH })
    await limit(c, c.get('address'))
    const token = readBearer(c)
    if (token === undefined) throw refuse('no_credentials', 'Credentials are required')
    const { principal } = await parts.authenticate(token)
    c.set('principal', principal)
    if (!isOriginAllowed(c, parts.allowedOrigins)) throw refuse('forbidden', 'This origin is not allowed')
    assertBodyFits(c)
    const inner = { address: c.get('address'), request_id: c.get('request_id') }
    const caller = {
      api: createApi({ url: 'http://localhost', token, retries: 0, fetch: createInnerFetch(app, inner) }),
      may_act: isAllowedAnywhere(principal, 'steer_by_assistant'),
      project: undefined,
      signal: parts.closing,
      onError: (err: unknown) => parts.log.error({ err, request_id: inner.request_id }, 'a tool failed'),
    }
    // The SDK takes 25 MB, so a server that no assistant uses never loads it.
    const { answerMcp } = await import('#src/mcp/http.ts')
    const answer = await answerMcp(c.req.raw, caller, MAX_BODY_BYTES)
    const headers = Object.fromEntries(answer.headers)
    return c.newResponse(answer.body, answer.status as ContentfulStatusCode, headers)
  })
  refuseOtherMethods(app, PATH, ['POST'])
}

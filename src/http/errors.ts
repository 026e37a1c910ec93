import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { ErrorKind, SignalboxError } from '#src/domain/errors.ts'

/** The HTTP side of every refusal (REST contract: Errors). */
export const httpStatus: Record<ErrorKind, ContentfulStatusCode> = {
  invalid: 422,
  not_json: 400,
  too_large: 413,
  wrong_media_type: 415,
  no_credentials: 401,
  wrong_login: 401,
  expired_token: 401,
  bad_token: 401,
  forbidden: 403,
  user_inactive: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  gone: 410,
  rate_limited: 429,
  internal: 500,
  unavailable: 503,
  not_attached: 409,
  replaced: 409,
  agent_terminated: 409,
  agent_stopped: 403,
}

export function errorResponse(c: Context, refusal: SignalboxError): Response {
  const status = httpStatus[refusal.kind]
  if (status === 401) c.header('WWW-Authenticate', 'Bearer')
  if (refusal.retry_after !== undefined) c.header('Retry-After', String(refusal.retry_after))
  const errors = refusal.problems.map(({ message, field }) => ({ code: refusal.code, message, field }))
  return c.json({ success: false, errors }, status)
}

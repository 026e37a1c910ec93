import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { type ErrorKind, refuse, SignalboxError } from '#src/domain/errors.ts'
import { isUnavailable, lostReference } from '#src/store/failures.ts'

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
}

const UNAVAILABLE_RETRY_SECONDS = 1

/** Whatever was thrown as a refusal; what nobody expected is reported, and becomes `internal`. */
export function toRefusal(error: unknown, report: (error: unknown) => void): SignalboxError {
  if (error instanceof SignalboxError) return error
  if (isUnavailable(error)) {
    const message = 'The database cannot be reached'
    return new SignalboxError('unavailable', [{ message, field: null }], UNAVAILABLE_RETRY_SECONDS)
  }
  if (lostReference(error)) return refuse('not_found', 'What this refers to has been deleted meanwhile')
  report(error)
  return refuse('internal', 'Internal server error')
}

export function errorResponse(c: Context, refusal: SignalboxError): Response {
  const status = httpStatus[refusal.kind]
  if (status === 401) c.header('WWW-Authenticate', 'Bearer')
  if (refusal.retry_after !== undefined) c.header('Retry-After', String(refusal.retry_after))
  const errors = refusal.problems.map(({ message, field }) => ({ code: refusal.code, message, field }))
  return c.json({ success: false, errors }, status)
}

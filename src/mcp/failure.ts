import { ApiError } from '#src/client/rest/rest.ts'
import { errorCodes } from '#src/domain/errors.ts'

/** A tool cannot do what it was asked for. The message says what is wrong and what to do; the assistant reads it. */
export class ToolError extends Error {}

/** What to do about a refusal of the server. */
const advice: Partial<Record<string, string>> = {
  [errorCodes.no_credentials]:
    'this connection has no credentials; ask the user to sign in or to set a token',
  [errorCodes.expired_token]: 'ask the user to sign in again, or to use an API key',
  [errorCodes.bad_token]: 'ask the user to sign in again, or for another API key',
  [errorCodes.forbidden]: 'ask the owner of the project for another role',
  [errorCodes.unavailable]: 'try again in a moment',
  unreachable: 'the Signalbox server does not answer; ask the user to check it',
  timeout: 'try again, or ask the user to check the server',
}

/** A failure in words; undefined for one that is not expected. */
export function describeFailure(error: unknown): string | undefined {
  if (error instanceof ToolError) return error.message
  if (!(error instanceof ApiError)) return undefined
  const what = error.errors.map(({ message, field }) => (field === null ? message : `${field}: ${message}`))
  const todo =
    error.code === errorCodes.rate_limited
      ? `try again in ${Math.ceil((error.retry_after_ms ?? 60_000) / 1000)} s`
      : advice[error.code]
  return `${what.join('; ')} (${error.code})${todo ? `: ${todo}` : ''}`
}

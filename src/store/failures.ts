const retryable = new Set(['40001', '40P01'])

/**
 * SQLSTATEs that say that the server is not there for us now: a race lost time and again is one, too, and a database
 * that is not there while a restored one takes its name.
 */
const unavailable = new Set(['57P01', '57P02', '57P03', '53300', '55P03', '3D000', ...retryable])
const brokenConnection = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'ENOENT',
  'EHOSTUNREACH',
  'CONNECT_TIMEOUT',
])
const brokenMessages =
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|not queryable|Client was closed|PGlite is closed|Cannot use a pool after calling end/

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** A transaction that lost a deadlock or a race, and may be done again from its start. */
export function isRetryable(error: unknown): boolean {
  return retryable.has(codeOf(error))
}

/** Whether the database could not be reached, as opposed to having refused a statement. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = codeOf(error)
  return (
    unavailable.has(code) ||
    brokenConnection.has(code) ||
    code.startsWith('08') ||
    brokenMessages.test(error.message) ||
    (error instanceof AggregateError && error.errors.some(isUnavailable)) ||
    (error.cause !== error && isUnavailable(error.cause))
  )
}

/** The name of the unique constraint that a statement ran into, if that is why it failed. */
export function violatedUnique(error: unknown): string | undefined {
  if (codeOf(error) !== '23505') return undefined
  const { constraint, message } = error as Error & { constraint?: string }
  return constraint ?? /unique constraint "([^"]+)"/.exec(message)?.[1] ?? 'unique'
}

/** Whether a statement referred to a row that is gone: a race with its deletion. */
export function lostReference(error: unknown): boolean {
  return codeOf(error) === '23503'
}

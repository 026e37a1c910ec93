import { refuse, SignalboxError } from '#src/domain/errors.ts'
import { UNAVAILABLE_RETRY_SECONDS } from './bounds.ts'

/**
 * What to do about a failure that may pass. `drop`: do not use the connection again; `drop-all`: nor any other that was open
 * then, since the server behind them is no longer the one to write to. `state` is what `/readyz` says for a while, after
 * failures that a healthy connection does not disprove.
 */
export type Passing = { connection: 'keep' | 'drop' | 'drop-all'; state?: DatabaseTrouble }
export type DatabaseTrouble = 'read-only' | 'out of resources' | 'failing'

const keep: Passing = { connection: 'keep' }
const drop: Passing = { connection: 'drop' }
const exhausted: Passing = { connection: 'drop', state: 'out of resources' }
const failing: Passing = { connection: 'drop', state: 'failing' }

/** By SQLSTATE, or by its class (two characters). A race that is lost repeatedly is in the table, too. */
const passing: Readonly<Record<string, Passing>> = {
  // Connection exceptions.
  '08': drop,
  // A read-only transaction: a standby, or a primary that was demoted.
  '25006': { connection: 'drop-all', state: 'read-only' },
  // A transaction was idle, or ran, for too long, and the server ended the session.
  '25P03': drop,
  '25P04': drop,
  // The session lacks a prepared statement, so it is not the one in which the statement was prepared.
  '26000': drop,
  // The server refused the connection, for example while an operator changes its configuration or passwords.
  '28000': drop,
  '28P01': drop,
  // The database does not exist, while a restored one takes its name.
  '3D000': drop,
  '40001': keep,
  '40P01': keep,
  // Insufficient resources: disk, memory, connections.
  '53': exhausted,
  '55P03': keep,
  '57014': keep,
  // Operator intervention: shutdown, crash of another session, starting up, database dropped, idle for too long.
  '57P': drop,
  // System and I/O errors.
  '58': failing,
}

const retryable = new Set(['40001', '40P01'])
const LOCK_TIMEOUT = '55P03'
const STATEMENT_TIMEOUT = '57014'

/** Codes of the socket, and of TLS on it. */
const brokenConnection = new Set([
  'EACCES',
  'EADDRNOTAVAIL',
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'EMFILE',
  'ENETDOWN',
  'ENETRESET',
  'ENETUNREACH',
  'ENFILE',
  'ENOBUFS',
  'ENOENT',
  'ENOTCONN',
  'ENOTFOUND',
  'EPIPE',
  'EPROTO',
  'ETIMEDOUT',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
])
const tlsErrors = /^ERR_(SSL|TLS)_/
const brokenMessages =
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|not queryable|Client was closed|PGlite is closed|Cannot use a pool after calling end/

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** Whether a transaction lost a deadlock or a race, and may run again from its start. */
export function isRetryable(error: unknown): boolean {
  return retryable.has(codeOf(error))
}

/** Whether a statement failed only because one before it in its transaction had. */
export function isAborted(error: unknown): boolean {
  return codeOf(error) === '25P02'
}

/** A failure after which the transaction may run again from its start. */
export function lostRace(): Error {
  return Object.assign(new Error('Another transaction was faster'), { code: '40001' })
}

/** Whether a parameter has a value that the database does not know, such as a time zone. */
export function isUnknownParameter(error: unknown): boolean {
  return codeOf(error) === '22023'
}

/** Whether a statement gave up waiting for a lock. */
export function isLockTimeout(error: unknown): boolean {
  return codeOf(error) === LOCK_TIMEOUT
}

/** What to do about a failure that says that the server is not available now; undefined for one that will not pass. */
export function passingFailure(error: unknown): Passing | undefined {
  if (!(error instanceof Error)) return undefined
  const code = codeOf(error)
  const known = passing[code] ?? passing[code.slice(0, 3)] ?? passing[code.slice(0, 2)]
  if (known) return known
  if (brokenConnection.has(code) || tlsErrors.test(code) || brokenMessages.test(error.message)) return drop
  if (error instanceof AggregateError) {
    const inner = error.errors.map(passingFailure).find((one) => one !== undefined)
    if (inner) return inner
  }
  return error.cause === error ? undefined : passingFailure(error.cause)
}

/**
 * What the failure of a statement that locks rows is. Behind others it waits for its turn and then for the lock, each for
 * as long as `lock_timeout` says, so PostgreSQL may end the statement for its own time first. It was waiting all the same.
 */
export function failureOfLocking(error: unknown): unknown {
  if (codeOf(error) !== STATEMENT_TIMEOUT) return error
  return Object.assign(new Error('A lock was held for too long', { cause: error }), { code: LOCK_TIMEOUT })
}

/** Whether the database is not available now, as opposed to having refused a statement. */
export function isUnavailable(error: unknown): boolean {
  return passingFailure(error) !== undefined
}

/** The refusal of work that waited for too long for other work on the same project. */
export function lockedOut(): SignalboxError {
  return unavailable('Other work on the same project held a lock for too long; try again')
}

function unavailable(message: string): SignalboxError {
  return new SignalboxError('unavailable', [{ message, field: null }], UNAVAILABLE_RETRY_SECONDS)
}

/** The refusal for anything that was thrown. An unexpected error is reported, and becomes `internal`. */
export function toRefusal(error: unknown, report: (error: unknown) => void): SignalboxError {
  if (error instanceof SignalboxError) return error
  if (isLockTimeout(error)) return lockedOut()
  if (isUnavailable(error)) return unavailable(describeUnavailable(error))
  if (lostReference(error)) return refuse('not_found', 'What this refers to was deleted at the same time')
  report(error)
  return refuse('internal', 'Internal server error')
}

function describeUnavailable(error: unknown): string {
  if (isRetryable(error)) return 'Other work changed the same things at the same time; try again'
  if (codeOf(error) === STATEMENT_TIMEOUT) return 'The database took too long; try again'
  const state = passingFailure(error)?.state
  return state ? `The database is ${state}` : 'The database cannot be reached'
}

/** The name of the unique constraint that a statement violated, if that is why it failed. */
export function violatedUnique(error: unknown): string | undefined {
  if (codeOf(error) !== '23505') return undefined
  const { constraint, message } = error as Error & { constraint?: string }
  return constraint ?? /unique constraint "([^"]+)"/.exec(message)?.[1] ?? 'unique'
}

/** Whether a statement referred to a deleted row: it lost a race with the deletion. */
function lostReference(error: unknown): boolean {
  return codeOf(error) === '23503'
}

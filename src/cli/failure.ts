import { ClosedError } from '#src/client/connection/errors.ts'
import { ApiError, type ApiProblem } from '#src/client/rest/rest.ts'
import { errorCodes } from '#src/domain/errors.ts'
import { toLine } from './text.ts'

/** The exit codes; docs/cli.md has the same table. */
export const exitCodes = {
  done: 0,
  /** The server refused, or the command failed. */
  failed: 1,
  /** The command line was wrong. */
  usage: 2,
  /** There is no session, or it has ended. */
  signed_out: 3,
  /** The server is unreachable or busy: the same command may succeed later. */
  unreachable: 4,
  interrupted: 130,
} as const

export type Outcome = keyof typeof exitCodes

/** A failure of the command itself. `advice` says what to do. */
export class CliError extends Error {
  readonly outcome: Outcome
  readonly advice: string | undefined
  /** Tells a connection not to call the token source again. */
  readonly retryable = false

  constructor(outcome: Outcome, message: string, advice?: string) {
    super(message)
    this.outcome = outcome
    this.advice = advice
  }
}

export const SIGN_IN = 'run "signalbox login", or set SIGNALBOX_TOKEN'

/** What to do about a refusal. */
const advice: Partial<Record<string, string>> = {
  [errorCodes.no_credentials]: SIGN_IN,
  [errorCodes.expired_token]: SIGN_IN,
  [errorCodes.bad_token]: SIGN_IN,
  [errorCodes.wrong_login]: 'check both, and the server in --url',
  [errorCodes.forbidden]: 'ask the owner of the project or a superuser for another role',
  [errorCodes.not_found]: 'see "signalbox projects list" and "signalbox agents list"',
  [errorCodes.conflict]: 'choose another name or slug, or change the existing one',
  [errorCodes.unavailable]: 'try again in a moment',
  unreachable: 'is it running? "signalbox serve" starts a server; --url or SIGNALBOX_URL chooses one',
  timeout: 'try again, or check the server',
  bad_answer: 'check --url or SIGNALBOX_URL',
}

export type Failure = { exitCode: number; line: string; errors: readonly ApiProblem[] }

/** An error as one line for people and as the contract's problems for programs. */
export function describeFailure(error: unknown): Failure {
  const failure = describe(error)
  // The line may quote names from other programs.
  return { ...failure, line: toLine(failure.line) }
}

function describe(error: unknown): Failure {
  if (error instanceof ApiError) return describeApiError(error)
  if (error instanceof ClosedError) return describeEnding(error)
  if (error instanceof CliError) {
    const errors = [{ code: error.outcome, message: error.message, field: null }]
    return { exitCode: exitCodes[error.outcome], line: join(error.message, error.advice), errors }
  }
  const message = error instanceof Error ? error.message : String(error)
  return {
    exitCode: exitCodes.failed,
    line: message,
    errors: [{ code: 'failed', message, field: null }],
  }
}

function describeApiError(error: ApiError): Failure {
  const what = error.errors.map(({ message, field }) => (field === null ? message : `${field}: ${message}`))
  const line = join(`${what.join('; ')} (${error.code})`, adviceOn(error))
  return { exitCode: exitCodes[outcomeOf(error)], line, errors: error.errors }
}

/** Describes the end of a watch. */
function describeEnding({ reason, message, cause }: ClosedError): Failure {
  if (cause instanceof CliError || cause instanceof ApiError) return describe(cause)
  const isSignedOut = reason === 'unauthenticated'
  return describe(
    new CliError(isSignedOut ? 'signed_out' : 'failed', message, isSignedOut ? SIGN_IN : undefined),
  )
}

function outcomeOf(error: ApiError): Outcome {
  if (error.status === 401) return 'signed_out'
  return error.retryable ? 'unreachable' : 'failed'
}

function adviceOn({ code, retry_after_ms, request_id }: ApiError): string | undefined {
  if (code === errorCodes.rate_limited)
    return `try again in ${Math.ceil((retry_after_ms ?? 60_000) / 1000)} s`
  if (code === errorCodes.internal) return `see request ${request_id} in the server's log`
  return advice[code]
}

function join(message: string, advice: string | undefined): string {
  return advice === undefined ? message : `${message}: ${advice}`
}

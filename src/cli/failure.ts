import { ClosedError } from '#src/client/errors.ts'
import { ApiError, type ApiProblem } from '#src/client/rest.ts'
import { errorCodes } from '#src/domain/errors.ts'
import { toLine } from './text.ts'

/** What a command ends with; README.md has the same table. */
export const exitCodes = {
  done: 0,
  /** The server refused, or the command could not do what it was asked. */
  failed: 1,
  /** The command was not understood. */
  usage: 2,
  /** Nobody is signed in, or no more. */
  signed_out: 3,
  /** The server cannot be reached, or is too busy: the same may succeed later. */
  unreachable: 4,
  interrupted: 130,
} as const

export type Outcome = keyof typeof exitCodes

/** A command that ends for a reason of its own. `advice` says what to do about it. */
export class CliError extends Error {
  readonly outcome: Outcome
  readonly advice: string | undefined
  /** To a connection that would ask again: it is of no use. */
  readonly retryable = false

  constructor(outcome: Outcome, message: string, advice?: string) {
    super(message)
    this.outcome = outcome
    this.advice = advice
  }
}

export const SIGN_IN = 'run "signalbox login", or set SIGNALBOX_TOKEN'

/** What to do about a refusal, where there is something. */
const advice: Partial<Record<string, string>> = {
  [errorCodes.no_credentials]: SIGN_IN,
  [errorCodes.expired_token]: SIGN_IN,
  [errorCodes.bad_token]: SIGN_IN,
  [errorCodes.wrong_login]: 'check both, and the server that --url names',
  [errorCodes.forbidden]: 'ask the owner of the project, or a superuser, for a role that may',
  [errorCodes.not_found]: 'see what there is with "signalbox projects list" and "signalbox agents list"',
  [errorCodes.conflict]: 'see what is there already',
  [errorCodes.unavailable]: 'try again in a moment',
  unreachable: 'is it running? "signalbox serve" starts one; --url or SIGNALBOX_URL says where',
  timeout: 'try again, or look at the server',
  bad_answer: 'check --url or SIGNALBOX_URL',
}

export type Failure = { exit_code: number; line: string; errors: readonly ApiProblem[] }

/** What is said about an error: one line for people, the contract's problems for programs. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof ApiError) return describeApiError(error)
  if (error instanceof ClosedError) return describeEnding(error)
  if (error instanceof CliError) {
    const errors = [{ code: error.outcome, message: error.message, field: null }]
    return { exit_code: exitCodes[error.outcome], line: join(error.message, error.advice), errors }
  }
  const message = error instanceof Error ? error.message : String(error)
  return {
    exit_code: exitCodes.failed,
    line: toLine(message),
    errors: [{ code: 'failed', message, field: null }],
  }
}

function describeApiError(error: ApiError): Failure {
  const what = error.errors.map(({ message, field }) => (field === null ? message : `${field}: ${message}`))
  const line = join(`${toLine(what.join('; '))} (${error.code})`, adviceOn(error))
  return { exit_code: exitCodes[outcomeOf(error)], line, errors: error.errors }
}

/** The end of a watch. */
function describeEnding({ reason, message, cause }: ClosedError): Failure {
  if (cause instanceof CliError || cause instanceof ApiError) return describeFailure(cause)
  const is_signed_out = reason === 'unauthenticated'
  return describeFailure(
    new CliError(is_signed_out ? 'signed_out' : 'failed', message, is_signed_out ? SIGN_IN : undefined),
  )
}

function outcomeOf(error: ApiError): Outcome {
  if (error.status === 401) return 'signed_out'
  return error.retryable ? 'unreachable' : 'failed'
}

function adviceOn({ code, retry_after_ms, request_id }: ApiError): string | undefined {
  if (code === errorCodes.rate_limited)
    return `try again in ${Math.ceil((retry_after_ms ?? 60_000) / 1000)} s`
  if (code === errorCodes.internal) return `the server's log says more under request ${request_id}`
  return advice[code]
}

function join(message: string, advice: string | undefined): string {
  return advice === undefined ? message : `${message}: ${advice}`
}

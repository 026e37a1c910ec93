import type { ErrorCode } from '#src/domain/errors.ts'

/** Why a connection, a watch or an agent has ended for good. */
const endings = {
  requested: 'Closed by this program',
  unauthenticated: 'The server does not accept the token, and the token source has no other',
  forbidden: 'The token does not permit this',
  not_found: 'The server has nothing with this id',
  deleted: 'The project was deleted',
  replaced: 'Another process has attached the agent',
  revoked: 'Access to the agent was revoked, or the agent was deleted',
  terminated: 'The agent is terminated',
  timeout: 'The agent was not attached in time',
  refused: 'Refused by the server',
  protocol: 'The server and this client do not speak the same protocol',
} as const

export type ClosedReason = keyof typeof endings

/** The end of a connection, a watch or an agent: the client does not try again. `reason` says why. */
export class ClosedError extends Error {
  readonly reason: ClosedReason

  constructor(reason: ClosedReason, cause?: unknown) {
    super(describeEnding(reason, cause), { cause })
    this.name = 'ClosedError'
    this.reason = reason
  }
}

/** `Refused by the server: <its message>`, where the cause is the message of a refusal. */
function describeEnding(reason: ClosedReason, cause: unknown): string {
  return typeof cause === 'string' ? `${endings[reason]}: ${cause}` : endings[reason]
}

/** An operator has interrupted the step that an agent was in. The agent is paused; it may do the step again after the resume. */
export class InterruptedError extends Error {
  constructor(reason: string | null) {
    super(reason === null ? 'Interrupted by a pause' : `Interrupted by a pause: ${reason}`)
    this.name = 'InterruptedError'
  }
}

/** Why there is no connection now. */
const troubles = {
  unreachable: 'The server cannot be reached',
  timeout: 'The server did not answer in time',
  silent: 'The server stopped answering',
  bad_answer: 'The answer is not from a Signalbox server',
  closed: 'The connection was closed',
  token: 'The token source failed',
} as const

export type OfflineReason = keyof typeof troubles

/** There is no connection now; the client keeps trying. `cause` is the error, where there is one. */
export class OfflineError extends Error {
  readonly reason: OfflineReason

  constructor(reason: OfflineReason, detail: string, cause?: unknown) {
    super(`${troubles[reason]}: ${detail}`, { cause })
    this.name = 'OfflineError'
    this.reason = reason
  }
}

/** The server refused one message. */
export class RefusedError extends Error {
  readonly code: ErrorCode
  readonly field: string | undefined

  constructor({ code, message, field }: { code: ErrorCode; message: string; field?: string | undefined }) {
    super(message)
    this.name = 'RefusedError'
    this.code = code
    this.field = field
  }
}

/** Refusals that end a watch or an agent; after any other the client tries again. */
const finalCodes: Partial<Record<ErrorCode, ClosedReason>> = {
  AUTH_004: 'forbidden',
  SYS_002: 'not_found',
  RT_002: 'replaced',
  RT_003: 'terminated',
  VAL_001: 'refused',
  DB_002: 'refused',
}

export function endingOf(code: ErrorCode): ClosedReason | undefined {
  return finalCodes[code]
}

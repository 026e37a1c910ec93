import type { ErrorCode } from '#src/domain/errors.ts'

/** Why a connection, a watch or an agent is over for good. */
const endings = {
  requested: 'It was closed',
  unauthenticated: 'The server does not accept the token, and there is no other',
  forbidden: 'The token does not permit this',
  not_found: 'The server knows nothing of this id',
  deleted: 'The project is gone',
  replaced: 'A newer link of the agent has taken the place of this one',
  revoked: 'The right to the agent, or the agent, is gone',
  terminated: 'The agent is terminated',
  refused: 'The server refuses it',
  protocol: 'The two sides do not understand each other',
} as const

export type ClosedReason = keyof typeof endings

/** It is over, and nothing that the client does by itself will bring it back. */
export class ClosedError extends Error {
  readonly reason: ClosedReason

  constructor(reason: ClosedReason, cause?: unknown) {
    super(endings[reason], { cause })
    this.name = 'ClosedError'
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

/** Refusals that end a watch or an agent; after any other the client asks again by and by. */
const finalCodes: Partial<Record<ErrorCode, ClosedReason>> = {
  AUTH_004: 'forbidden',
  SYS_002: 'not_found',
  RT_002: 'replaced',
  RT_003: 'terminated',
  VAL_001: 'refused',
}

export function endingOf(code: ErrorCode): ClosedReason | undefined {
  return finalCodes[code]
}

import type { Principal } from '#src/domain/access.ts'
import { refuse, SignalboxError } from '#src/domain/errors.ts'
import {
  type ClientMessage,
  type ClientMessageType,
  clientMessages,
  type ServerMessage,
  type WirePrincipal,
} from '#src/protocol/frames.ts'
import { checkObject, findProblem } from '#src/protocol/problems.ts'
import { isUnavailable } from '#src/store/failures.ts'

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw refuse('not_json', 'The message is not JSON')
  }
}

export function replyIdOf(message: unknown): string | undefined {
  const id = (message as { id?: unknown } | null)?.id
  return typeof id === 'string' && id.length <= 64 ? id : undefined
}

/** A message that a client may send now. Refuses with `no_credentials` or `invalid`. */
export function parseMessage(message: unknown, isAuthenticated: boolean): ClientMessage {
  const type = (message as { type?: unknown } | null)?.type
  if (!isAuthenticated && type !== 'auth') throw refuse('no_credentials', 'Authenticate first')
  const problem = findProblem(message)
  if (problem) throw new SignalboxError('invalid', [problem])
  if (typeof type !== 'string' || !Object.hasOwn(clientMessages, type)) {
    throw refuse('invalid', 'Unknown message type', 'type')
  }
  const { problems, output } = checkObject(clientMessages[type as ClientMessageType], message)
  if (problems.length > 0) throw new SignalboxError('invalid', problems)
  return output as ClientMessage
}

/** Whatever was thrown as a refusal; what nobody expected is reported. */
export function toRefusal(error: unknown, onError: (error: unknown) => void): SignalboxError {
  if (error instanceof SignalboxError) return error
  if (isUnavailable(error)) return refuse('unavailable', 'The database cannot be reached')
  onError(error)
  return refuse('internal', 'Internal error')
}

/** What a client is told of a refusal: `id` is that of the message that was refused. */
export function toErrorFrame(
  { code, problems: [problem] }: SignalboxError,
  id?: string,
): Extract<ServerMessage, { type: 'error' }> {
  return {
    type: 'error',
    id,
    code,
    message: problem?.message ?? '',
    ...(problem?.field && { field: problem.field }),
  }
}

/** What a principal is confined to is nobody's business but the server's. */
export function toWirePrincipal({ kind, id, role }: Principal): WirePrincipal {
  return { kind, id, role }
}

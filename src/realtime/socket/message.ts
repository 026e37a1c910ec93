import type { Principal } from '#src/domain/access.ts'
import { refuse, SignalboxError } from '#src/domain/errors.ts'
import type { ServerMessage } from '#src/protocol/messages/down.ts'
import type { WirePrincipal } from '#src/protocol/messages/principal.ts'
import { type ClientMessage, type ClientMessageType, clientMessages } from '#src/protocol/messages/up.ts'
import { checkObject, findProblem } from '#src/protocol/problems.ts'

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

/** Validates a message; `text` is its JSON. Refuses with `no_credentials` or `invalid`. */
export function parseMessage(message: unknown, text: string, isAuthenticated: boolean): ClientMessage {
  const type = (message as { type?: unknown } | null)?.type
  if (!isAuthenticated && type !== 'auth') throw refuse('no_credentials', 'Authenticate first')
  const problem = findProblem(message, text)
  if (problem) throw new SignalboxError('invalid', [problem])
  if (typeof type !== 'string' || !Object.hasOwn(clientMessages, type)) {
    throw refuse('invalid', 'Unknown message type', 'type')
  }
  const { problems, output } = checkObject(clientMessages[type as ClientMessageType], message)
  if (problems.length > 0) throw new SignalboxError('invalid', problems)
  return output as ClientMessage
}

/** The error message for a refusal. `id`: the id of the refused message. */
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

/** Leaves out the agent or project that a principal is confined to: clients do not need it. */
export function toWirePrincipal({ kind, id, role }: Principal): WirePrincipal {
  return { kind, id, role }
}

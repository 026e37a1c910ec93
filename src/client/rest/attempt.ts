import {
  type ApiError,
  ApiError as Failure,
  toApiError,
  transportError,
} from '#src/client/shared/api-error.ts'
import { startTimer } from '#src/client/shared/timers.ts'

/** A request; each attempt adds its own token. */
export type RestRequest = {
  method: string
  url: string
  headers: Record<string, string>
  body: string | undefined
}

export type AttemptOptions = {
  token: string | undefined
  signal: AbortSignal | undefined
  timeout_ms: number
  fetch: typeof fetch
}

type Read<Answer> = (response: Response) => Promise<Answer>

/** One attempt: resolves with the result of `read` within `timeout_ms`, or rejects with an ApiError. */
export async function attempt<Answer>(
  { method, url, headers, body }: RestRequest,
  { token, signal, timeout_ms, fetch }: AttemptOptions,
  read: Read<Answer>,
): Promise<Answer> {
  signal?.throwIfAborted()
  const timeout = new AbortController()
  const cancelTimeout = startTimer(timeout_ms, () => timeout.abort())
  try {
    const response = await fetch(url, {
      method,
      headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      ...(body !== undefined && { body }),
      signal: signal ? AbortSignal.any([signal, timeout.signal]) : timeout.signal,
    })
    if (response.ok) return await read(response)
    throw toApiError(response, parse(await response.text()))
  } catch (error) {
    signal?.throwIfAborted()
    throw toFailure(error, url, timeout.signal.aborted ? timeout_ms : undefined)
  } finally {
    cancelTimeout()
  }
}

/** Null for an answer without a body. */
export async function readJson<Answer>(response: Response): Promise<Answer> {
  if (response.status === 204) return null as Answer
  const answer = parse(await response.text())
  if (answer !== undefined) return answer as Answer
  const message = 'The answer is not from a Signalbox server'
  throw new Failure({ status: response.status, errors: [{ code: 'bad_answer', message, field: null }] })
}

/** Undefined for text that is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function toFailure(error: unknown, url: string, timedOutAfter: number | undefined): ApiError {
  if (error instanceof Failure) return error
  const server = URL.canParse(url) ? new URL(url).origin : 'The server'
  if (timedOutAfter !== undefined)
    return transportError('timeout', `${server} did not answer within ${timedOutAfter} ms`, error)
  // Node's fetch gives the reason of a failed connection as the cause; browsers give none.
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : ''
  return transportError('unreachable', `${server} cannot be reached${cause && `: ${cause}`}`, error)
}

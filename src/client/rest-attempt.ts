import { type ApiError, ApiError as Failure, toApiError, transportError } from './rest-error.ts'

/** A request as it goes out; the same for each attempt but for its token. */
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

/** One attempt: resolves with what `read` makes of a success, within `timeout_ms`, else fails with an ApiError. */
export async function attempt<Answer>(
  { method, url, headers, body }: RestRequest,
  { token, signal, timeout_ms, fetch }: AttemptOptions,
  read: Read<Answer>,
): Promise<Answer> {
  signal?.throwIfAborted()
  const timeout = new AbortController()
  const timer = setTimeout(() => timeout.abort(), timeout_ms)
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
    clearTimeout(timer)
  }
}

export async function readJson<Answer>(response: Response): Promise<Answer> {
  const answer = parse(await response.text())
  if (answer !== undefined) return answer as Answer
  const message = 'The answer is not that of a Signalbox server'
  throw new Failure({ status: response.status, errors: [{ code: 'bad_answer', message, field: null }] })
}

/** Undefined: that is no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function toFailure(error: unknown, url: string, timed_out_after: number | undefined): ApiError {
  if (error instanceof Failure) return error
  const server = URL.canParse(url) ? new URL(url).origin : 'The server'
  if (timed_out_after !== undefined)
    return transportError('timeout', `${server} did not answer within ${timed_out_after} ms`, error)
  // What fetch says of a failed connection is in its cause, and in browsers nowhere.
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : ''
  return transportError('unreachable', `${server} cannot be reached${cause && `: ${cause}`}`, error)
}

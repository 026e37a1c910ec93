import type { ErrorCode } from '#src/domain/errors.ts'

/** What happens on the way, where the server says nothing: nobody answers, too late, or not as Signalbox does. */
export type TransportCode = 'unreachable' | 'timeout' | 'bad_answer'

export type ApiProblem = {
  /** One of these, or one that a newer server has. */
  code: ErrorCode | TransportCode | (string & {})
  message: string
  /** The dotted path of what is wrong, if it is about a field. */
  field: string | null
}

type Failure = {
  /** Of the HTTP answer; 0: there was none. */
  status: number
  errors: [ApiProblem, ...ApiProblem[]]
  retry_after_ms?: number | undefined
  request_id?: string | undefined
  cause?: unknown
}

/** The statuses that say: not now. 502 and 504 are those of a proxy in front. */
const retryableStatuses: ReadonlySet<number> = new Set([0, 429, 502, 503, 504])

/** A call that did not succeed. Only a call that its own `signal` ended fails in another way. */
export class ApiError extends Error {
  readonly status: number
  /** Everything that is wrong, a problem for each. */
  readonly errors: readonly [ApiProblem, ...ApiProblem[]]
  /** How long the server asks to wait. */
  readonly retry_after_ms: number | undefined
  /** The server's name for the request, also on its log line. */
  readonly request_id: string | undefined

  constructor({ status, errors, retry_after_ms, request_id, cause }: Failure) {
    super(errors.map(({ message }) => message).join('; '), { cause })
    this.name = 'ApiError'
    this.status = status
    this.errors = errors
    this.retry_after_ms = retry_after_ms
    this.request_id = request_id
  }

  get code(): ApiProblem['code'] {
    return this.errors[0].code
  }

  /** Whether the same request may succeed later. */
  get retryable(): boolean {
    return retryableStatuses.has(this.status)
  }
}

export function transportError(code: TransportCode, message: string, cause?: unknown): ApiError {
  return new ApiError({ status: 0, errors: [{ code, message, field: null }], cause })
}

/** What a refusal says. One that is not of the contract comes from something in between. */
export function toApiError(response: Response, body: unknown): ApiError {
  const seconds = response.headers.get('retry-after')
  return new ApiError({
    status: response.status,
    errors: readProblems(body) ?? [
      { code: 'bad_answer', message: `HTTP ${response.status} without a reason`, field: null },
    ],
    retry_after_ms: seconds !== null && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : undefined,
    request_id: response.headers.get('x-request-id') ?? undefined,
  })
}

function readProblems(body: unknown): [ApiProblem, ...ApiProblem[]] | undefined {
  const errors = typeof body === 'object' && body !== null && 'errors' in body ? body.errors : undefined
  if (!Array.isArray(errors) || errors.length === 0) return undefined
  const isProblem = (item: unknown): item is ApiProblem =>
    typeof item === 'object' && item !== null && 'code' in item && 'message' in item
  return errors.every(isProblem) ? (errors as [ApiProblem, ...ApiProblem[]]) : undefined
}

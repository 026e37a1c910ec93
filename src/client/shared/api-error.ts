import type { ErrorCode } from '#src/domain/errors.ts'

/** Failures without an answer of a Signalbox server: no connection, no answer in time, or some other answer. */
export type TransportCode = 'unreachable' | 'timeout' | 'bad_answer'

export type ApiProblem = {
  /** One of these, or a code of a newer server. */
  code: ErrorCode | TransportCode | (string & {})
  message: string
  /** The dotted path of the field that is wrong; null where no field is. */
  field: string | null
}

type Failure = {
  /** The HTTP status; 0 without an answer. */
  status: number
  errors: [ApiProblem, ...ApiProblem[]]
  retry_after_ms?: number | undefined
  request_id?: string | undefined
  cause?: unknown
}

/** The same request may succeed later. 502 and 504 come from a proxy in front. */
const retryableStatuses: ReadonlySet<number> = new Set([0, 429, 502, 503, 504])

/** A call that failed. A call that its own `signal` ended rejects with the signal's reason instead. */
export class ApiError extends Error {
  readonly status: number
  /** One problem for each thing that is wrong. */
  readonly errors: readonly [ApiProblem, ...ApiProblem[]]
  /** How long the server asks the client to wait. */
  readonly retry_after_ms: number | undefined
  /** The server's id of the request, as in its log. */
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

/** Reads a refusal. One that does not match the contract comes from a proxy. */
export function toApiError(response: Response, body: unknown): ApiError {
  const seconds = response.headers.get('retry-after')
  return new ApiError({
    status: response.status,
    errors: readProblems(body) ?? [
      { code: 'bad_answer', message: `HTTP ${response.status} without an error message`, field: null },
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

import { toJson } from '#src/client/shared/json.ts'
import { randomHex } from '#src/client/shared/random.ts'
import type { TokenSource } from '#src/client/shared/token-source.ts'
import { type RestRequest, readJson } from './attempt.ts'
import { readEventStream } from './event-stream.ts'
import { type Calls, type Operation, operations } from './operations.ts'
import { type RetryOptions, sendRepeatedly } from './retry.ts'

export { ApiError, type ApiProblem } from '#src/client/shared/api-error.ts'
export { eachEvent } from './event-stream.ts'
export { eachItem } from './pages.ts'
export type * from './types.ts'
export type { TokenSource }

export type CallOptions = {
  /** Ends the call, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /** The longest time of one attempt, or of opening a stream (30,000). */
  timeout_ms?: number | undefined
  /** How many retries may follow a temporary failure (3). */
  retries?: number | undefined
  /** The most that a call waits between its attempts, in all; then it fails (10,000). */
  max_wait_ms?: number | undefined
  /** A stream that is silent for this long, without even a keep-alive, counts as ended (40,000). */
  idle_timeout_ms?: number | undefined
  /** Makes several calls of one POST count as one; without it, each call has its own key. */
  idempotency_key?: string | undefined
}

export type ApiOptions = CallOptions & {
  /** The server, such as `https://signalbox.example.org`; empty in a page that the server itself serves. */
  url: string
  token?: TokenSource | undefined
  fetch?: typeof fetch | undefined
  /** Each call that changes something starts a trace (W3C `traceparent`), which a tracing server continues. */
  traced?: boolean | undefined
}

/** `with` returns the same calls with other options. `signal` ends the calls. */
export type Api = Calls & { with(options: CallOptions): Api; readonly signal: AbortSignal | undefined }

/** The server sends a keep-alive after 15 s of silence: by then two are missing. */
const STREAM_IDLE_MS = 40_000

/** A call for each route (REST contract): `api.agents.pause(project_id, agent_id, { reason })`. */
export function createApi(options: ApiOptions): Api {
  const groups = Object.entries(operations).map(([group, routes]) => [
    group,
    Object.fromEntries(Object.entries(routes).map(([name, route]) => [name, createCall(route, options)])),
  ])
  // The row of each call in the table gives its types.
  const calls = Object.fromEntries(groups) as Calls
  return { ...calls, signal: options.signal, with: (own) => createApi({ ...options, ...own }) }
}

function createCall(operation: Operation, options: ApiOptions): (...args: unknown[]) => unknown {
  return (...args) => {
    const { request, isRepeatable } = toRequest(operation, args, options)
    const retrying: RetryOptions = {
      fetch: options.fetch ?? fetch,
      token: operation.isPublic ? undefined : options.token,
      signal: options.signal,
      timeout_ms: options.timeout_ms ?? 30_000,
      retries: options.retries ?? 3,
      max_wait_ms: options.max_wait_ms ?? 10_000,
      isRepeatable,
    }
    if (!operation.streams) return sendRepeatedly(request, retrying, readJson)
    return readEventStream(() => sendRepeatedly(request, retrying, async (response) => response), {
      signal: options.signal,
      idle_timeout_ms: options.idle_timeout_ms ?? STREAM_IDLE_MS,
    })
  }
}

/** The arguments are the ids in the order of the path, then the body, which a GET does not have, then the query. */
function toRequest(
  { line, isPublic, answersSecret, callsOut, isRepeatable: canRepeat }: Operation,
  args: unknown[],
  { url, idempotency_key, traced }: ApiOptions,
): { request: RestRequest; isRepeatable: boolean } {
  const [method = '', template = ''] = line.split(' ')
  const left = [...args]
  const path = template.replaceAll(/\{\w+\}/g, () => encodeURIComponent(String(left.shift())))
  const given = method === 'GET' ? undefined : left.shift()
  const body = given === undefined ? undefined : toJson(given as object)
  const query = toQuery((left.shift() as object | undefined) ?? {})
  const isKeyed = method === 'POST' && !isPublic && !answersSecret && !callsOut
  const headers = {
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(isKeyed && { 'idempotency-key': idempotency_key ?? randomHex(16) }),
    ...(traced && method !== 'GET' && { traceparent: `00-${randomHex(16)}-${randomHex(8)}-01` }),
  }
  // A second DELETE would find nothing, and a second POST without a key would repeat the change.
  const isRepeatable = canRepeat || isKeyed || (method !== 'POST' && method !== 'DELETE')
  return {
    request: { method, url: `${url.replace(/\/+$/, '')}/api/v1${path}${query}`, headers, body },
    isRepeatable,
  }
}

function toQuery(input: object): string {
  const given = Object.entries(input).filter(([, value]) => value !== undefined && value !== null)
  const query = new URLSearchParams(
    given.map(([name, value]): [string, string] => [name, String(value)]),
  ).toString()
  return query && `?${query}`
}

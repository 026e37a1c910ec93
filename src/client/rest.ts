import { type RestRequest, readJson } from './rest-attempt.ts'
import { readEventStream } from './rest-events.ts'
import { type Calls, type Operation, operations } from './rest-operations.ts'
import { type RetryOptions, sendRepeatedly, type TokenSource } from './rest-retry.ts'

export { ApiError, type ApiProblem } from './rest-error.ts'
export { eachEvent } from './rest-events.ts'
export { eachItem } from './rest-pages.ts'
export type * from './rest-types.ts'
export type { TokenSource }

export type CallOptions = {
  /** Ends the call; it then fails with the signal's reason. */
  signal?: AbortSignal | undefined
  /** For one attempt; 30,000 where it is not said. Of a stream, for its beginning. */
  timeout_ms?: number | undefined
  /** How many attempts may follow the first one after a failure that may pass; 3 where it is not said. */
  retries?: number | undefined
  /** A call fails rather than wait longer than this between its attempts; 10,000 where it is not said. */
  max_wait_ms?: number | undefined
  /** For one POST that is to be done once, also over several calls; each call makes its own where it is not said. */
  idempotency_key?: string | undefined
}

export type ApiOptions = CallOptions & {
  /** Where the server is, such as `https://signalbox.example.org`; empty in a page that it serves itself. */
  url: string
  token?: TokenSource | undefined
  fetch?: typeof fetch | undefined
  /** Each call that changes something begins a trace (W3C `traceparent`), which a server that records traces goes on with. */
  traced?: boolean | undefined
}

/** `with` gives the same calls with other options. */
export type Api = Calls & { with(options: CallOptions): Api }

/** A call for each route (REST contract): `api.agents.pause(project_id, agent_id, { reason })`. */
export function createApi(options: ApiOptions): Api {
  const groups = Object.entries(operations).map(([group, routes]) => [
    group,
    Object.fromEntries(Object.entries(routes).map(([name, route]) => [name, createCall(route, options)])),
  ])
  // What each call takes and answers is what its row in the table says.
  const calls = Object.fromEntries(groups) as Calls
  return { ...calls, with: (own) => createApi({ ...options, ...own }) }
}

function createCall(operation: Operation, options: ApiOptions): (...args: unknown[]) => unknown {
  return (...args) => {
    const { request, is_repeatable } = toRequest(operation, args, options)
    const retrying: RetryOptions = {
      fetch: options.fetch ?? fetch,
      token: operation.is_public ? undefined : options.token,
      signal: options.signal,
      timeout_ms: options.timeout_ms ?? 30_000,
      retries: options.retries ?? 3,
      max_wait_ms: options.max_wait_ms ?? 10_000,
      is_repeatable,
    }
    if (!operation.streams) return sendRepeatedly(request, retrying, readJson)
    return readEventStream(
      () => sendRepeatedly(request, retrying, async (response) => response),
      options.signal,
    )
  }
}

/** The ids come first, in the order of the path; what is left is the query of a GET, and the body of others. */
function toRequest(
  { line, is_public, answers_secret }: Operation,
  args: unknown[],
  { url, idempotency_key, traced }: ApiOptions,
): { request: RestRequest; is_repeatable: boolean } {
  const [method = '', template = ''] = line.split(' ')
  const left = [...args]
  const path = template.replaceAll(/\{\w+\}/g, () => encodeURIComponent(String(left.shift())))
  const [input] = left
  const query = method === 'GET' ? toQuery(input ?? {}) : ''
  const body = method === 'GET' || input === undefined ? undefined : JSON.stringify(input)
  const is_keyed = method === 'POST' && !is_public && !answers_secret
  const headers = {
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(is_keyed && { 'idempotency-key': idempotency_key ?? randomHex(16) }),
    ...(traced && method !== 'GET' && { traceparent: `00-${randomHex(16)}-${randomHex(8)}-01` }),
  }
  // A second DELETE would be told of what the first has done, and a second POST without a key does it again.
  const is_repeatable = is_keyed || (method !== 'POST' && method !== 'DELETE')
  return {
    request: { method, url: `${url.replace(/\/+$/, '')}/api/v1${path}${query}`, headers, body },
    is_repeatable,
  }
}

function toQuery(input: object): string {
  const given = Object.entries(input).filter(([, value]) => value !== undefined && value !== null)
  const query = new URLSearchParams(
    given.map(([name, value]): [string, string] => [name, String(value)]),
  ).toString()
  return query && `?${query}`
}

/** `crypto.randomUUID` is missing in pages that come over plain HTTP. */
function randomHex(bytes: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}

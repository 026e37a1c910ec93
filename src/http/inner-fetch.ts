import type { Hono } from 'hono'
import type { HttpEnv } from './env.ts'

type Outer = { address: string; request_id: string }

/**
 * `fetch` for requests of the server to itself, on behalf of a caller: they pass everything that the caller's own would pass, and
 * have its address and the id of the request that they serve.
 */
export function createInnerFetch(app: Hono<HttpEnv>, { address, request_id }: Outer): typeof fetch {
  return async (input, { signal, ...init } = {}) => {
    signal?.throwIfAborted()
    const request = new Request(input, init)
    request.headers.set('X-Request-Id', request_id)
    const answering = Promise.resolve(app.fetch(request, { address }))
    const response = await (signal ? untilAborted(answering, signal) : answering)
    if (!response.body || !signal) return response
    return new Response(response.body.pipeThrough(new TransformStream(), { signal }), response)
  }
}

/** The answer that comes too late is closed: an open stream would keep its place. */
async function untilAborted(answering: Promise<Response>, signal: AbortSignal): Promise<Response> {
  const { promise, reject } = Promise.withResolvers<never>()
  const stop = () => {
    reject(signal.reason)
    answering.then(({ body }) => body?.cancel()).catch(() => {})
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([answering, promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

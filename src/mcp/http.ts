import { createMcpHandler } from '@modelcontextprotocol/server'
import { createMcpServer } from './server.ts'
import type { Caller } from './tool.ts'

/** Answers one request of the streamable HTTP transport. Nothing is kept between requests, so any replica answers any. */
export function answerMcp(request: Request, caller: Caller, max_body_bytes: number): Promise<Response> {
  const signal = AbortSignal.any([caller.signal, request.signal])
  const handler = createMcpHandler(() => createMcpServer({ ...caller, signal, can_subscribe: false }), {
    maxRequestBodySize: max_body_bytes,
  })
  return handler.fetch(request)
}

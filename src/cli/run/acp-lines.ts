import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import * as v from 'valibot'

/** A message is a line. One that is longer than this ends the bridge: nothing in the protocol is. */
const MAX_LINE = 128 * 1024 * 1024

const NEWLINE = 0x0a

/** The lines of a stream, each with its line break, as the bytes that they are. */
export async function* readLines(from: Readable): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let size = 0
  for await (const chunk of from as AsyncIterable<Buffer>) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      yield Buffer.concat([...parts, chunk.subarray(start, end + 1)])
      parts = []
      size = 0
      start = end + 1
    }
    if (start === chunk.length) continue
    parts.push(chunk.subarray(start))
    size += chunk.length - start
    if (size > MAX_LINE) throw new Error(`A message is longer than ${MAX_LINE / 1024 / 1024} MiB`)
  }
  if (parts.length > 0) yield Buffer.concat(parts)
}

/** Waits for a slow reader; what a reader that has gone does not get is lost. */
export async function writeLine(to: Writable, line: Buffer | object): Promise<void> {
  if (to.destroyed || to.writableEnded) return
  const bytes = Buffer.isBuffer(line) ? line : `${JSON.stringify({ jsonrpc: '2.0', ...line })}\n`
  if (!to.write(bytes)) await Promise.race([once(to, 'drain'), once(to, 'close')]).catch(() => {})
}

const rpcId = v.union([v.string(), v.number()])
/** An id of JSON-RPC, which may be a number or a string: `1` is not `"1"`. */
export type RpcId = v.InferOutput<typeof rpcId>

const text = v.fallback(v.optional(v.string()), undefined)
const count = v.fallback(v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))), undefined)

const usage = v.fallback(
  v.optional(
    v.object({
      totalTokens: count,
      inputTokens: count,
      outputTokens: count,
      thoughtTokens: count,
      cachedReadTokens: count,
      cachedWriteTokens: count,
    }),
  ),
  undefined,
)

/** What the bridge reads of a message. Anything else in it, and any other message, is not its matter. */
const message = v.object({
  id: v.fallback(v.optional(rpcId), undefined),
  method: text,
  params: v.fallback(
    v.optional(
      v.object({
        sessionId: text,
        /** Of `$/cancel_request`. */
        requestId: v.fallback(v.optional(rpcId), undefined),
        prompt: v.fallback(v.array(v.object({ type: v.string(), text })), []),
        title: text,
        toolCall: v.fallback(
          v.optional(
            v.object({
              toolCallId: text,
              name: text,
              kind: text,
              title: text,
              rawInput: v.fallback(v.optional(v.record(v.string(), v.unknown())), undefined),
            }),
          ),
          undefined,
        ),
        options: v.fallback(
          v.array(v.object({ optionId: v.string(), name: v.string(), kind: v.string() })),
          [],
        ),
        update: v.fallback(
          v.optional(
            v.object({
              sessionUpdate: v.string(),
              state: text,
              stopReason: text,
              usage,
              cost: v.fallback(
                v.optional(v.object({ amount: v.pipe(v.number(), v.minValue(0)), currency: v.string() })),
                undefined,
              ),
            }),
          ),
          undefined,
        ),
      }),
    ),
    undefined,
  ),
  result: v.fallback(
    v.optional(
      v.object({
        stopReason: text,
        usage,
      }),
    ),
    undefined,
  ),
})
export type RpcMessage = v.InferOutput<typeof message>
export type RpcParams = NonNullable<RpcMessage['params']>
export type RpcResult = NonNullable<RpcMessage['result']>

/** Undefined for a line that is no message. */
export function parseLine(line: Buffer): RpcMessage | undefined {
  try {
    const parsed = v.safeParse(message, JSON.parse(line.toString('utf8')))
    return parsed.success ? parsed.output : undefined
  } catch {
    return undefined
  }
}

export const keyOf = (id: RpcId): string => JSON.stringify(id)

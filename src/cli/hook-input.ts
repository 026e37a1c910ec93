import * as v from 'valibot'

/** More than hooks are given; what comes after it is not read. */
const MAX_BYTES = 1024 * 1024
/** Some programs leave stdin open and write nothing. */
const MAX_WAIT_MS = 1_000

/** What a tool call of Claude Code's PreToolUse says. Other hooks say other things, which are ignored. */
const schema = v.object({
  tool_name: v.string(),
  tool_input: v.optional(v.record(v.string(), v.unknown()), {}),
  tool_use_id: v.optional(v.string()),
})

export type ToolCall = { id: string | undefined; name: string; arguments: Record<string, unknown> }

/** The tool call that a hook's JSON on stdin describes; undefined without one. */
export async function readToolCall(input: NodeJS.ReadStream): Promise<ToolCall | undefined> {
  if (input.isTTY) return undefined
  const { success, output } = v.safeParse(schema, parse(await readAll(input)))
  if (!success) return undefined
  return { id: output.tool_use_id, name: output.tool_name, arguments: output.tool_input }
}

async function readAll(input: NodeJS.ReadStream): Promise<string> {
  const chunks: Buffer[] = []
  let left = MAX_BYTES
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, MAX_WAIT_MS)
  input.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    left -= chunk.length
    if (left <= 0) resolve()
  })
  input.once('end', resolve).once('error', resolve)
  await promise
  clearTimeout(timer)
  // An open stdin would keep the process alive.
  input.destroy()
  return Buffer.concat(chunks).toString()
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The server takes 16 KiB with the names; what a person would not read anyway is cut. */
const MAX_ARGUMENT_BYTES = 15 * 1024

/** The arguments as a request can carry them. */
export function fitArguments(given: Record<string, unknown>): Record<string, unknown> {
  const json = JSON.stringify(given)
  if (Buffer.byteLength(json) <= MAX_ARGUMENT_BYTES) return given
  // In JSON, a character of JSON may take two bytes more, or four in UTF-8.
  return { beginning: json.slice(0, MAX_ARGUMENT_BYTES / 4).toWellFormed(), bytes: Buffer.byteLength(json) }
}

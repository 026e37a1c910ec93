import type { Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import * as v from 'valibot'
import { type Problem, refuse, SignalboxError } from '#src/domain/errors.ts'
import { checkDecoded } from '#src/protocol/problems.ts'
import { uuid } from '#src/protocol/values.ts'
import { MAX_BODY_BYTES } from './bounds.ts'
import type { HttpEnv } from './env.ts'
import type { Route } from './route.ts'

function refuseBody(): never {
  throw refuse('too_large', `The body is larger than ${MAX_BODY_BYTES} bytes`)
}

const limitBody = bodyLimit({ maxSize: MAX_BODY_BYTES, onError: refuseBody })

/** A value, and the JSON text that it was parsed from. */
type Given = { value: unknown; text?: string }

export type ParsedInput = { params: Record<string, string>; query: unknown; body: unknown }

/** Parses path, query and body; refuses with one problem for each mistake. */
export async function parseInput(c: Context<HttpEnv>, route: Route): Promise<ParsedInput> {
  const problems: Problem[] = []
  const params: Record<string, string> = {}
  for (const [name, value] of Object.entries(c.req.param())) {
    const parsed = v.safeParse(uuid, value)
    if (parsed.success) params[name] = parsed.output
    else problems.push({ message: 'Must be a UUID', field: name })
  }
  const check = (schema: v.GenericSchema, { value, text }: Given): unknown => {
    const checked = checkDecoded(schema, value, text)
    problems.push(...checked.problems)
    return checked.output
  }
  const query = route.query && check(route.query, { value: knownQuery(c, route.query) })
  const body = route.body && check(route.body, await readBody(c, route.is_body_optional ?? false))
  if (problems.length > 0) throw new SignalboxError('invalid', problems)
  return { params, query, body }
}

/** Unknown query keys are ignored, whatever they hold. */
function knownQuery(c: Context<HttpEnv>, schema: v.GenericSchema): Record<string, string> {
  const known = 'entries' in schema ? (schema.entries as object) : {}
  return Object.fromEntries(Object.entries(c.req.query()).filter(([key]) => Object.hasOwn(known, key)))
}

/** Node discards a body that is refused unread; refusing one in the middle costs the connection. */
export function assertBodyFits(c: Context<HttpEnv>): void {
  if (Number(c.req.header('content-length') ?? 0) > MAX_BODY_BYTES) refuseBody()
}

/** Node holds a body to its Content-Length. Only a chunked body has to be counted, as a web stream, which costs more. */
async function readBytes(c: Context<HttpEnv>): Promise<ArrayBuffer> {
  assertBodyFits(c)
  if (c.env.incoming && c.req.header('transfer-encoding') === undefined) return c.req.arrayBuffer()
  let bytes = new ArrayBuffer(0)
  await limitBody(c, async () => {
    bytes = await c.req.arrayBuffer()
  })
  return bytes
}

/** A client that leaves in the middle of its body is no failure of the server, whatever the error says. */
async function receiveBytes(c: Context<HttpEnv>): Promise<ArrayBuffer> {
  try {
    return await readBytes(c)
  } catch (error) {
    if (error instanceof SignalboxError) throw error
    throw refuse('not_json', 'The body did not arrive in full')
  }
}

/** `Request.text()` would replace invalid UTF-8 by U+FFFD, which would then be stored. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decode(bytes: ArrayBuffer): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw refuse('not_json', 'The body is not UTF-8')
  }
}

async function readBody(c: Context<HttpEnv>, is_optional: boolean): Promise<Given> {
  const bytes = await receiveBytes(c)
  if (bytes.byteLength === 0 && is_optional) return { value: {} }
  const type = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (bytes.byteLength > 0 && type !== 'application/json') {
    throw refuse('wrong_media_type', 'The body must be application/json')
  }
  const text = decode(bytes)
  try {
    return { value: JSON.parse(text), text }
  } catch {
    throw refuse('not_json', 'The body is not JSON')
  }
}

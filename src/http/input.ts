import type { Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import * as v from 'valibot'
import { type Problem, refuse, SignalboxError } from '#src/domain/errors.ts'
import { checkObject, findProblem } from '#src/protocol/problems.ts'
import { uuid } from '#src/protocol/values.ts'
import type { HttpEnv } from './env.ts'
import type { Route } from './route.ts'

export const MAX_BODY_BYTES = 256 * 1024

function refuseBody(): never {
  throw refuse('too_large', `The body is larger than ${MAX_BODY_BYTES} bytes`)
}

const limitBody = bodyLimit({ maxSize: MAX_BODY_BYTES, onError: refuseBody })

export type ParsedInput = { params: Record<string, string>; query: unknown; body: unknown }

/** Everything that a request brings, parsed; refuses with one problem for each thing that is wrong. */
export async function parseInput(c: Context<HttpEnv>, route: Route): Promise<ParsedInput> {
  const problems: Problem[] = []
  const params: Record<string, string> = {}
  for (const [name, value] of Object.entries(c.req.param())) {
    const parsed = v.safeParse(uuid, value)
    if (parsed.success) params[name] = parsed.output
    else problems.push({ message: 'Must be a UUID', field: name })
  }
  const check = (schema: v.GenericSchema, value: unknown): unknown => {
    const unstorable = findProblem(value)
    const checked = unstorable ? { problems: [unstorable], output: undefined } : checkObject(schema, value)
    problems.push(...checked.problems)
    return checked.output
  }
  const query = route.query && check(route.query, knownQuery(c, route.query))
  const body = route.body && check(route.body, await readBody(c, route.is_body_optional ?? false))
  if (problems.length > 0) throw new SignalboxError('invalid', problems)
  return { params, query, body }
}

/** Unknown query keys are ignored, whatever they hold. */
function knownQuery(c: Context<HttpEnv>, schema: v.GenericSchema): Record<string, string> {
  const known = 'entries' in schema ? (schema.entries as object) : {}
  return Object.fromEntries(Object.entries(c.req.query()).filter(([key]) => Object.hasOwn(known, key)))
}

/** Node's server holds a body to its length. One in chunks has to be counted, as a web stream, which costs. */
async function readText(c: Context<HttpEnv>): Promise<string> {
  // A body that is refused unread is thrown away as it comes; one that was begun costs the connection.
  if (Number(c.req.header('content-length') ?? 0) > MAX_BODY_BYTES) refuseBody()
  if (c.env.incoming && c.req.header('transfer-encoding') === undefined) return c.req.text()
  let text = ''
  await limitBody(c, async () => {
    text = await c.req.text()
  })
  return text
}

async function readBody(c: Context<HttpEnv>, is_optional: boolean): Promise<unknown> {
  const text = await readText(c)
  if (text === '' && is_optional) return {}
  const type = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (text !== '' && type !== 'application/json') {
    throw refuse('wrong_media_type', 'The body must be application/json')
  }
  try {
    return JSON.parse(text)
  } catch {
    throw refuse('not_json', 'The body is not JSON')
  }
}

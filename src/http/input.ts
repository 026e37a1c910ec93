import type { Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import * as v from 'valibot'
import { type Problem, refuse, SignalboxError } from '#src/domain/errors.ts'
import { findProblem, toProblems } from '#src/protocol/problems.ts'
import { uuid } from '#src/protocol/values.ts'
import type { HttpEnv } from './env.ts'
import type { Route } from './route.ts'

export const MAX_BODY_BYTES = 256 * 1024

const limitBody = bodyLimit({
  maxSize: MAX_BODY_BYTES,
  onError: () => {
    throw refuse('too_large', `The body is larger than ${MAX_BODY_BYTES} bytes`)
  },
})

export type ParsedInput = { params: Record<string, string>; query: unknown; body: unknown }

/** Everything that a request brings, parsed; refuses with one problem for each thing that is wrong. */
export async function parseInput(c: Context<HttpEnv>, route: Route): Promise<ParsedInput> {
  const problems: Problem[] = []
  const check = (schema: v.GenericSchema, value: unknown, name?: string): unknown => {
    const unstorable = findProblem(value)
    const parsed = unstorable ? undefined : v.safeParse(schema, value)
    if (parsed?.success) return parsed.output
    const found = parsed ? toProblems(parsed.issues) : unstorable ? [unstorable] : []
    problems.push(...found.map(({ message, field }) => ({ message, field: field ?? name ?? null })))
    return undefined
  }

  const params = Object.fromEntries(
    Object.entries(c.req.param()).map(([name, value]) => [name, check(uuid, value, name) as string]),
  )
  const query = route.query && check(route.query, c.req.query())
  const body = route.body && check(route.body, await readBody(c, route.is_body_optional ?? false))
  if (problems.length > 0) throw new SignalboxError('invalid', problems)
  return { params, query, body }
}

async function readBody(c: Context<HttpEnv>, is_optional: boolean): Promise<unknown> {
  let text = ''
  await limitBody(c, async () => {
    text = await c.req.text()
  })
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

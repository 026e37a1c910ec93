import { createHmac } from 'node:crypto'
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { TokenKeys } from '#src/auth/tokens.ts'
import { joinTransaction } from '#src/commands/context.ts'
import type { Principal } from '#src/domain/access.ts'
import { refuse, SignalboxError } from '#src/domain/errors.ts'
import type { Transaction } from '#src/store/database.ts'
import type { LoggedEvent } from '#src/store/events.ts'
import { attempt, type Claim, claimAnswer, type KeptAnswer, keepAnswer } from '#src/store/idempotency.ts'
import type { HttpContext } from './context.ts'
import type { HttpEnv } from './env.ts'
import { errorResponse, httpStatus } from './errors.ts'
import type { ParsedInput } from './input.ts'
import type { Route } from './route.ts'

const keyShape = /^[\x21-\x7e]{1,255}$/

/** There is a fingerprint for each of the server's keys, so that keys can be changed; the first is stored. */
type ReadClaim = Claim & { fingerprints: readonly string[] }

/** Undefined without an Idempotency-Key, or where the route does not keep answers. */
export function readClaim(
  c: Context<HttpEnv>,
  route: Route,
  { principal, input, keys }: { principal: Principal; input: ParsedInput; keys: TokenKeys },
): ReadClaim | undefined {
  if (route.method !== 'post' || route.answers_secret || route.calls_out) return undefined
  const key = c.req.header('idempotency-key')
  if (key === undefined) return undefined
  if (!keyShape.test(key)) {
    throw refuse('invalid', 'Must be 1 to 255 visible ASCII characters', 'Idempotency-Key')
  }
  const request = JSON.stringify([input.params, input.query, input.body])
  // Keyed, since a body may have a password, which could be guessed from a bare hash in the database.
  const fingerprintBy = (secret: string) =>
    createHmac('sha256', secret).update(`idempotency ${request}`).digest('hex')
  const [fingerprint, ...others] = [fingerprintBy(keys[0]), ...keys.slice(1).map(fingerprintBy)] as const
  const fingerprints = [fingerprint, ...others]
  return { principal_id: principal.id, operation: route.operation_id, key, fingerprint, fingerprints }
}

type Handle = (context: HttpContext) => Promise<Response>
type Once = { context: HttpContext; claim: ReadClaim }
/**
 * Answers a request once (REST contract: Idempotency-Key). The claim, all changes and the answer are one transaction: a
 * crash leaves all or nothing, and a concurrent request with the same key, on any replica, waits. Refusals are kept, too;
 * answers of 5xx and 429 undo the claim.
 */
export async function answerOnce(
  c: Context<HttpEnv>,
  { context, claim }: Once,
  handle: Handle,
): Promise<Response> {
  const { kept, events } = await context.database.transaction((sql) =>
    answerIn(sql, c, { context, claim, handle }),
  )
  for (const event of events) context.bus.publish(event)
  return fromKept(c, kept)
}

async function answerIn(
  sql: Transaction,
  c: Context<HttpEnv>,
  { context, claim, handle }: Once & { handle: Handle },
): Promise<{ kept: KeptAnswer; events: LoggedEvent[] }> {
  const before = await claimAnswer(sql, claim)
  if (before) {
    if (!claim.fingerprints.includes(before.fingerprint)) {
      throw refuse('conflict', 'This Idempotency-Key was used for another request', 'Idempotency-Key')
    }
    return { kept: before, events: [] }
  }
  const joined = joinTransaction(context, sql)
  const { response, events } = await attempt<{ response: Response; events: LoggedEvent[] }>(
    sql,
    async () => ({ response: await handle(joined.context), events: joined.events }),
    (error) => (isKept(error) ? { response: errorResponse(c, error), events: [] } : undefined),
  )
  const kept = await toKept(response)
  await keepAnswer(sql, claim, kept)
  return { kept, events }
}

function isKept(error: unknown): error is SignalboxError {
  return error instanceof SignalboxError && httpStatus[error.kind] < 500 && httpStatus[error.kind] !== 429
}

async function toKept(response: Response): Promise<KeptAnswer> {
  return {
    status: response.status,
    location: response.headers.get('location'),
    body: await response.text(),
  }
}

function fromKept(c: Context<HttpEnv>, { status, location, body }: KeptAnswer): Response {
  if (location !== null) c.header('Location', location)
  return c.body(body, status as ContentfulStatusCode, { 'Content-Type': 'application/json' })
}

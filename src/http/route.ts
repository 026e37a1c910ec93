import type { Context } from 'hono'
import type * as v from 'valibot'
import type { GlobalOperation, Principal, ProjectOperation } from '#src/domain/access.ts'
import type { HttpContext } from './context.ts'
import type { HttpEnv } from './env.ts'

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/** The names between braces in a path; all of them are UUIDs. */
type ParamNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamNames<Rest>
  : never

type Output<Schema> = Schema extends v.GenericSchema ? v.InferOutput<Schema> : undefined

export type RouteInput<Path extends string, Query, Body> = {
  params: Record<ParamNames<Path>, string>
  query: Output<Query>
  body: Output<Body>
  principal: Principal
  /** What to work with: inside the request's own transaction, where an Idempotency-Key asks for one. */
  context: HttpContext
  c: Context<HttpEnv>
}

export type RouteSpec<
  Path extends string = string,
  Query extends v.GenericSchema | undefined = v.GenericSchema | undefined,
  Body extends v.GenericSchema | undefined = v.GenericSchema | undefined,
> = {
  method: Method
  /** Below `/api/v1`, with `{name}` for each parameter. */
  path: Path
  operation_id: string
  summary: string
  tag: string
  /** Requests a minute from one address. */
  limit: number
  /**
   * What the caller must be permitted: in the project that the path names, or at all. `public`: anybody may
   * call it; then there is no principal.
   */
  access: ProjectOperation | GlobalOperation | 'public'
  query?: Query
  body?: Body
  /** A request without a body is taken as `{}`. */
  is_body_optional?: boolean
  /** It is not kept for an Idempotency-Key. */
  answers_secret?: boolean
  success: { status: 200 | 201; schema: v.GenericSchema | undefined; description: string }
  /** What no schema can see in path and body. Refuses like one. */
  check?: (input: Pick<RouteInput<Path, Query, Body>, 'params' | 'body'>) => void
  /** Returns the body of the answer, or a whole answer where it is not plain JSON. */
  handle: (input: RouteInput<Path, Query, Body>) => Promise<unknown> | unknown
}

/** A route with its input types forgotten: what the router and the OpenAPI document work with. */
export type Route = Omit<RouteSpec, 'handle' | 'check'> & {
  check?: (input: never) => void
  handle: (input: never) => Promise<unknown> | unknown
}

/** One place for all there is to a route: the router, the limiter and the OpenAPI document read it. */
export function defineRoute<
  const Path extends string,
  Query extends v.GenericSchema | undefined = undefined,
  Body extends v.GenericSchema | undefined = undefined,
>(spec: RouteSpec<Path, Query, Body>): Route {
  return spec
}

/** Requests a minute for routes that the contract does not number one by one. */
export const limits = { login: 10, refresh: 30, write: 30, read: 60, bulk: 10, upgrade: 60 } as const

import type { Context } from 'hono'
import type * as v from 'valibot'
import type { GlobalOperation, Principal, ProjectOperation } from '#src/domain/access.ts'
import type { HttpContext } from './context.ts'
import type { HttpEnv } from './env.ts'

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/** The names between braces in a path; all are UUIDs. */
type ParamNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamNames<Rest>
  : never

type Output<Schema> = Schema extends v.GenericSchema ? v.InferOutput<Schema> : undefined

export type RouteInput<Path extends string, Query, Body> = {
  params: Record<ParamNames<Path>, string>
  query: Output<Query>
  body: Output<Body>
  principal: Principal
  /** Inside the request's own transaction where an Idempotency-Key asks for one. */
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
  description?: string
  tag: string
  /** Requests a minute from one address. */
  limit: number
  /**
   * The operation that the caller must be permitted, in the project that the path names or outside of projects.
   * `public`: no credentials are read, and there is no principal.
   */
  access: ProjectOperation | GlobalOperation | 'public'
  /** The path does not name the agent, so the handler checks that the token of an agent reaches it. */
  checks_reach?: boolean
  query?: Query
  body?: Body
  /** A request without a body is taken as `{}`. */
  is_body_optional?: boolean
  /** A credential may be in a header of its own. */
  has_token_header?: boolean
  /** The answer is not kept for an Idempotency-Key. */
  answers_secret?: boolean
  /** It calls another server, so it keeps no answer for an Idempotency-Key: a transaction would wait for that server. */
  calls_out?: boolean
  success: {
    status: 200 | 201
    schema: v.GenericSchema | undefined
    description: string
    /** When the answer is a 204 without a body. */
    or_nothing?: string
    /** `Accept: text/csv` gets CSV. */
    has_csv?: boolean
  }
  /** Checks across path and body that no schema can make. Refuses like a schema. */
  check?: (input: Pick<RouteInput<Path, Query, Body>, 'params' | 'body'>) => void
  /**
   * What is left to do once the answer is committed, before it is sent; also before a kept answer is sent again. Gets and returns
   * the body of the answer.
   */
  settle?: (context: HttpContext, body: { id: string }) => Promise<unknown>
  /** Returns the body of the answer, or a whole answer where it is not plain JSON. */
  handle: (input: RouteInput<Path, Query, Body>) => Promise<unknown> | unknown
}

/** A route without its input types, for the router and the OpenAPI document. */
export type Route = DocumentedRoute & {
  check?: (input: never) => void
  handle: (input: never) => Promise<unknown> | unknown
}

/** What the OpenAPI document says of a route. */
export type DocumentedRoute = Omit<RouteSpec, 'handle' | 'check'>

/** All facts of a route in one place: the router, the limiter and the OpenAPI document read them. */
export function defineRoute<
  const Path extends string,
  Query extends v.GenericSchema | undefined = undefined,
  Body extends v.GenericSchema | undefined = undefined,
>(spec: RouteSpec<Path, Query, Body>): Route {
  return spec
}

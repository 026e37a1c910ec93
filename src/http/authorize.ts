import {
  assertAllowed,
  assertAllowedAnywhere,
  assertReaches,
  isProjectOperation,
  type Principal,
  roleIn,
  type Standing,
} from '#src/domain/access.ts'
import { notFound } from '#src/domain/errors.ts'
import type { Route } from './route.ts'

/** The path parameter that names the project of a route's operation. A project's own routes call it `id`. */
export function projectParam({ access, path }: Pick<Route, 'access' | 'path'>): string | undefined {
  if (!isProjectOperation(access)) return undefined
  return path.includes('{project_id}') ? 'project_id' : 'id'
}

type Named = { params: Record<string, string>; body: unknown }

/**
 * The turn that a write takes: that of the project in its path or body, else its caller's. A request without credentials,
 * such as a sign-in, takes none.
 */
export function turnOf(
  route: Pick<Route, 'access' | 'path'>,
  { params, body }: Named,
  principal: Principal | undefined,
): string | undefined {
  const named = params[projectParam(route) ?? '']
  if (named !== undefined) return named
  const { project_id } = { project_id: undefined, ...(typeof body === 'object' ? body : undefined) }
  return typeof project_id === 'string' ? project_id : principal?.id
}

type Asked = { principal: Principal; standing: Standing | undefined; params: Record<string, string> }

/**
 * Refuses an unknown project with `not_found`, and an operation that the principal may not do with `forbidden`. A token
 * of one agent reaches that agent alone.
 */
export function authorize(
  route: Pick<Route, 'access' | 'path' | 'checks_reach'>,
  { principal, standing, params }: Asked,
): void {
  const { access } = route
  if (access === 'public') return
  if (!isProjectOperation(access)) return assertAllowedAnywhere(principal, access)
  if (!standing) throw notFound.project(params[projectParam(route) ?? ''] ?? '')
  assertAllowed(roleIn(principal, standing), access)
  if (!route.checks_reach) assertReaches(principal, params.agent_id)
}
